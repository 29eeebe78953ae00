"""What a signal family is made from: when it is fitted, and when it is loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from reason.base.evidence import Labelled
from reason.base.head import Head
from reason.base.taps import Tap
from reason.signals.base import Part, State
from reason.signals.settings import SignalSettings

P = TypeVar("P", bound=Part)


class Context(ABC):
    """Settings, the base classifier's head and taps, and the parts that families share.

    Args:
        settings: the recipe's.
        head: head of the base classifier.
        taps: its taps.
    """

    def __init__(self, settings: SignalSettings, head: Head, taps: Sequence[Tap]) -> None:
        self.settings, self.head, self.taps = settings, head, tuple(taps)
        self._parts: dict[type[Part], Part] = {}

    @property
    @abstractmethod
    def train(self) -> Labelled:
        """Base-train evidence."""

    def part(self, kind: type[P]) -> P:
        """Return the shared part of this kind, made when it is first asked for."""
        if kind not in self._parts:
            self._parts[kind] = self._make(kind)
        return cast(P, self._parts[kind])

    @property
    def parts(self) -> tuple[Part, ...]:
        """The shared parts that were asked for."""
        return tuple(self._parts.values())

    @abstractmethod
    def _make(self, kind: type[P]) -> P: ...


class FitContext(Context):
    """For a fit.

    Args:
        settings: the recipe's.
        head: head of the base classifier.
        taps: its taps.
        train: base-train evidence.
    """

    def __init__(self, settings: SignalSettings, head: Head, taps: Sequence[Tap], train: Labelled) -> None:
        super().__init__(settings, head, taps)
        self._train = train

    @property
    def train(self) -> Labelled:
        """Base-train evidence."""
        return self._train

    def _make(self, kind: type[P]) -> P:
        return kind.learn(self)


class StoredContext(Context):
    """For loading what was fitted.

    Args:
        settings: the recipe's.
        head: head of the base classifier.
        taps: its taps.
        states: what ``SignalSet.state`` returned.
    """

    def __init__(self, settings: SignalSettings, head: Head, taps: Sequence[Tap], states: Mapping[str, State]) -> None:
        super().__init__(settings, head, taps)
        self.states = states

    @property
    def train(self) -> Labelled:
        """Not there when a bundle is loaded.

        Raises:
            ValueError: always; a family that learns must override ``from_state``.
        """
        raise ValueError("a signal family that learns must define from_state: a bundle holds no base-train evidence.")

    def _make(self, kind: type[P]) -> P:
        return kind.from_state(self.states[kind.stem], self)
