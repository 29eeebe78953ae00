"""What a signal family is: named columns of the meta-vector that are computed together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, TypedDict

import torch

from reason.base.evidence import Evidence
from reason.base.taps import Tap

if TYPE_CHECKING:
    from reason.signals.bank import Nearest
    from reason.signals.context import Context
    from reason.signals.settings import SignalSettings

State = dict[str, torch.Tensor]
"""What was learned, as plain tensors by key; texts are stored as bytes, see ``reason.signals.texts``."""

Layout = Mapping[str, tuple[str, *tuple[str | int, ...]]]
"""What a state holds: for each key the type of numbers as safetensors calls it, and the size or name of each dimension.

``features`` and ``classes`` are those of the head; dimensions of one layout that share another name have the same size.
"""

Direction = Literal["trust", "doubt", "none"]
"""What a larger value says: more trustworthy, less trustworthy, or neither by itself."""

UNITS: Mapping[str, str] = {
    "share": "share or probability, in [0, 1]",
    "nats": "nats, >= 0",
    "logits": "logits",
    "deviations": "standard deviations",
    "pixels": "standardised pixel units",
    "logits/pixel": "logits per standardised pixel unit",
    "": "no unit",
}
"""Units of columns, with what they mean."""


class Requirement(StrEnum):
    """What a family reads beyond logits and embedding."""

    GRADIENT = "gradient"
    """The norm of the input gradient, which costs a backward pass."""
    VIEWS = "views"
    """Logits and embeddings of the views, which cost a smaller forward pass each."""
    TAPS = "taps"
    """Pooled outputs of the tapped layers, where the base classifier has taps."""
    HEAD = "head"
    """Weight and bias of a last layer that is linear in the embedding."""
    BANK = "bank"
    """Base-train evidence, when it is fitted."""


class Measured(TypedDict):
    """What an engine is asked to measure of each image, besides logits, embedding and taps."""

    gradient: bool
    views: bool


def measured(requires: Collection[Requirement]) -> Measured:
    """Return what an engine must measure of each image for families that require this."""
    return Measured(gradient=Requirement.GRADIENT in requires, views=Requirement.VIEWS in requires)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the meta-vector."""

    name: str
    """Unique among all columns; lower case with underscores."""
    label: str
    """What people read instead of the name."""
    unit: str
    """Key of ``UNITS``."""
    direction: Direction
    help: str
    """One or two sentences about what the value means."""
    section: str = ""
    """Title of the part of the family that the column belongs to, where a family has parts."""


class SignalFamily(ABC):
    """A group of columns that are computed together. A subclass and its registration are all that a family takes.

    A family that learns nothing defines ``columns`` and ``compute``, and ``fit`` where it has sizes. One that learns
    overrides ``fit``, ``state`` and ``from_state``, and better ``layout`` and ``check`` too; one that asks its context
    for shared parts names them in ``shares``.
    """

    name: ClassVar[str]
    """As recipes write it."""
    title: ClassVar[str]
    """What people read instead of the name."""
    help: ClassVar[str]
    """What the family measures, in one or two sentences."""
    raw: ClassVar[bool] = False
    """Whether its columns are raw features: many, which tell seen images well and mislead on images unlike them.

    The MetaNet's scalar members do not see them, and they are not diagnostics.
    """
    diagnostic: ClassVar[bool] = True
    """Whether each column means something by itself and is shown with a verdict; never where ``raw``."""
    requires: ClassVar[frozenset[Requirement]] = frozenset()
    stem: ClassVar[str]
    """Name of the bundle's file of its state, without suffix; ``signals_<name>`` by default."""

    columns: tuple[Column, ...]
    """Its columns in order; the sizes of a fitted family decide how many there are."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in cls.__dict__ and "stem" not in cls.__dict__:
            cls.stem = f"signals_{cls.name}"

    @classmethod
    def fit(cls, context: Context) -> Self:
        """Make the family for a base classifier, and learn what it needs from base-train.

        Args:
            context: settings, head and taps, base-train evidence, and the parts that families share.
        """
        return cls()

    @abstractmethod
    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return the columns, float32 ``[n, len(columns)]``.

        Raises:
            ValueError: the evidence lacks what the family requires.
        """

    def explain(self, evidence: Evidence) -> tuple[torch.Tensor, Nearest | None]:
        """Return the columns, and the base-train images behind them where the family looks such up."""
        return self.compute(evidence), None

    def state(self) -> State:
        """Return what the family alone has learned; what is shared belongs to the parts."""
        return {}

    @classmethod
    def from_state(cls, state: State, context: Context) -> Self:
        """Make the family from what ``state`` returned; one without a state is simply made again.

        Args:
            state: see ``state``.
            context: as in ``fit``, but without base-train evidence.

        Raises:
            KeyError: the state lacks a key.
        """
        return cls.fit(context)

    @classmethod
    def shares(cls, settings: SignalSettings) -> tuple[type[Part], ...]:
        """Return the parts that the family asks its context for."""
        return ()

    @classmethod
    def layout(cls, taps: Sequence[Tap]) -> Layout | None:
        """Return what the family's own state holds, so that a bundle's file is checked before it is read.

        ``None``, the default, stands for any arrays.
        """
        return None

    @classmethod
    def check(cls, state: State, settings: SignalSettings, classes: int) -> None:
        """Refuse a state of the right layout whose numbers cannot have been learned; all of them are finite.

        Args:
            state: of the family alone.
            settings: the recipe's.
            classes: number of classes.

        Raises:
            ValueError: what is wrong, without a full stop.
        """
        return

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def read_taps(self) -> tuple[Tap, ...]:
        """Taps whose channels are columns; the latent map is drawn of them."""
        return ()

    @classmethod
    def learns(cls) -> bool:
        """Whether the family keeps a state of its own."""
        return cls.state is not SignalFamily.state

    def describe(self) -> dict[str, Any]:
        """Return name, title, help, kind and columns, as plain JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "help": self.help,
            "raw": self.raw,
            "diagnostic": self.diagnostic and not self.raw,
            "requires": sorted(self.requires),
            "columns": [asdict(column) for column in self.columns],
        }


class Part(Protocol):
    """Something learned from base-train that several families share: fitted once and stored once."""

    stem: ClassVar[str]
    """Name of the bundle's file, without suffix."""

    @classmethod
    def learn(cls, context: Context) -> Self:
        """Learn from the context's base-train evidence."""
        ...

    @classmethod
    def layout(cls, taps: Sequence[Tap]) -> Layout:
        """Return what its state holds."""
        ...

    @classmethod
    def check(cls, state: State, settings: SignalSettings, classes: int) -> None:
        """Refuse a state whose numbers cannot have been learned, see ``SignalFamily.check``."""
        ...

    def state(self) -> State:
        """Return what was learned."""
        ...

    @classmethod
    def from_state(cls, state: State, context: Context) -> Self:
        """Make the part from what ``state`` returned."""
        ...


def entropy(probabilities: torch.Tensor) -> torch.Tensor:
    """Return the entropy in nats over the last dimension, which holds class probabilities."""
    summed: torch.Tensor = torch.special.entr(probabilities).sum(dim=-1)
    return summed
