"""The signals of one detector: the families that a recipe chose, fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.base.taps import Tap
from reason.signals.bank import Nearest
from reason.signals.base import Part, Requirement, SignalFamily, State
from reason.signals.context import Context, FitContext, StoredContext
from reason.signals.registry import FAMILIES
from reason.signals.settings import SignalSettings
from reason.structure import require


class SignalSet:
    """Fitted families in the order of their columns.

    Args:
        families: signal families, fitted.
        parts: what they share.

    Raises:
        SettingsError: two columns have the same name.
    """

    def __init__(self, families: Sequence[SignalFamily], parts: Sequence[Part] = ()) -> None:
        self.families, self.parts = tuple(families), tuple(parts)
        self.names: tuple[str, ...] = tuple(name for family in families for name in family.names)
        for name, count in Counter(self.names).items():
            require(count == 1, "families", f"have {count} columns called {name}; leave one of the families out.")
        self.groups: tuple[str, ...] = tuple(family.name for family in families for _ in family.columns)
        """Name of the family of each column."""
        self.raw: tuple[bool, ...] = tuple(family.raw for family in families for _ in family.columns)
        """Whether each column is a raw feature."""
        self.diagnostics: tuple[str, ...] = tuple(
            name for family in families if family.diagnostic and not family.raw for name in family.names
        )
        """Names of the columns that mean something by themselves, shown with a verdict."""
        self.requires: frozenset[Requirement] = frozenset().union(*(family.requires for family in families))
        """What the families read beyond logits and embedding."""

    @classmethod
    def fit(cls, settings: SignalSettings, head: Head, taps: Sequence[Tap], train: Labelled) -> Self:
        """Fit the families of a recipe.

        Args:
            settings: the families and their sizes.
            head: head of the base classifier.
            taps: its taps.
            train: base-train evidence; what is learned comes from it.

        Raises:
            FitError: a class has no image, where a family compares with every class.
            SettingsError: a family does not fit the base classifier.
        """
        context = FitContext(settings, head, taps, train)
        return cls._made(context, [FAMILIES[name].fit(context) for name in settings.families])

    @classmethod
    def from_state(cls, settings: SignalSettings, head: Head, taps: Sequence[Tap], states: Mapping[str, State]) -> Self:
        """Make the set that ``state`` was taken of.

        Raises:
            KeyError: a file stem or a key of its state is missing.
            ValueError: a state does not fit.
        """
        context = StoredContext(settings, head, taps, states)
        kinds = [FAMILIES[name] for name in settings.families]
        return cls._made(
            context, [kind.from_state(states[kind.stem] if kind.learns() else {}, context) for kind in kinds]
        )

    @classmethod
    def _made(cls, context: Context, families: Sequence[SignalFamily]) -> Self:
        return cls(families, context.parts)

    def state(self) -> dict[str, State]:
        """Return what was learned: plain tensors by key, by the stem of the bundle's file that holds them."""
        shared = {part.stem: part.state() for part in self.parts}
        return shared | {family.stem: family.state() for family in self.families if family.learns()}

    def __getitem__(self, name: str) -> SignalFamily:
        """Return the family of this name.

        Raises:
            KeyError: the set does not have it.
        """
        return {family.name: family for family in self.families}[name]

    @property
    def read_taps(self) -> tuple[Tap, ...]:
        """Taps whose channels are columns."""
        return tuple(tap for family in self.families for tap in family.read_taps)

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return the meta-vectors, float32 ``[n, columns]``."""
        return torch.cat([family.compute(evidence) for family in self.families], dim=1)

    def explain(self, evidence: Evidence) -> tuple[torch.Tensor, Nearest | None]:
        """Return the meta-vectors, and the base-train images nearest to each where a family looks them up."""
        parts = [family.explain(evidence) for family in self.families]
        nearest = [found for _, found in parts if found is not None]
        return torch.cat([columns for columns, _ in parts], dim=1), nearest[0] if nearest else None

    def descriptors(self) -> list[dict[str, Any]]:
        """Return what each family and each of its columns means, as plain JSON; see ``SignalFamily.describe``."""
        return [family.describe() for family in self.families]
