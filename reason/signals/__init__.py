"""The signals: named columns of the meta-vector, one family a file, and the set that a recipe chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from reason.base.evidence import Evidence
from reason.base.head import Head
from reason.base.taps import Tap
from reason.signals.activations import Activations
from reason.signals.base import Family
from reason.signals.dropout import Dropout
from reason.signals.embedding import Embedding
from reason.signals.gradient import Gradient
from reason.signals.layers import Layer, Layers
from reason.signals.logits import Logits
from reason.signals.neighbours import Bank, Neighbours, Search
from reason.signals.pca import Pca
from reason.signals.softmax import Softmax
from reason.signals.views import Views

__all__ = [
    "Bank",
    "Family",
    "Layer",
    "Layers",
    "Neighbours",
    "Pca",
    "Search",
    "SignalSet",
    "SignalSettings",
    "assemble",
]

Name = Literal["softmax", "logits", "dropout", "gradient", "neighbours", "layers", "views", "embedding", "activations"]
"""Name of a family, as recipes write it."""


class SignalSet:
    """The families of a recipe, in the order of their columns.

    Args:
        families: signal families, fitted.
    """

    def __init__(self, families: Sequence[Family]) -> None:
        self.families = tuple(families)
        self.names: tuple[str, ...] = tuple(name for family in families for name in family.names)
        self.groups: tuple[str, ...] = tuple(family.group for family in families for _ in family.names)
        """Name of the family of each column."""
        self.scalars: tuple[str, ...] = tuple(name for family in families if family.scalar for name in family.names)
        """Columns that mean something by themselves, shown as diagnostics."""

    @property
    def needs_gradient(self) -> bool:
        """Whether any family reads the input gradient, which costs a backward pass."""
        return any(family.group == Gradient.group for family in self.families)

    @property
    def needs_views(self) -> bool:
        """Whether any family reads the views, which cost a smaller forward pass each."""
        return any(family.group == Views.group for family in self.families)

    @property
    def read_taps(self) -> tuple[Tap, ...]:
        """Taps whose channels are columns; none where the recipe has no ``activations``."""
        return next((family.taps for family in self.families if isinstance(family, Activations)), ())

    @property
    def layers(self) -> Layers | None:
        """The family that measures distances at several depths, if the recipe has it."""
        return next((family for family in self.families if isinstance(family, Layers)), None)

    @property
    def neighbours(self) -> Neighbours | None:
        """The family that finds neighbours, if the recipe has it."""
        return next((family for family in self.families if isinstance(family, Neighbours)), None)

    def search(self, evidence: Evidence) -> Search | None:
        """Return what the neighbours' family finds in the bank; ``None`` without that family."""
        return None if self.neighbours is None else self.neighbours.search(evidence)

    def compute(self, evidence: Evidence, search: Search | None = None) -> torch.Tensor:
        """Return the meta-vectors, float32 ``[n, columns]``.

        Args:
            evidence: of the images.
            search: what ``search`` returned for them, where it is known already.
        """
        parts = [
            family.columns(evidence, search)
            if search is not None and isinstance(family, Neighbours)
            else family.compute(evidence)
            for family in self.families
        ]
        return torch.cat(parts, dim=1)


@dataclass(frozen=True, slots=True)
class SignalSettings:
    """Which signals make up the meta-vector."""

    families: tuple[Name, ...]
    """Families in the order of their columns."""
    top_logits: int = 5
    """Number of largest logits."""
    dropout_samples: int = 32
    """Dropout masks that the head is sampled with."""
    pca_components: int = 128
    """Components of the PCA; the bank is compressed to them."""
    pca_columns: int = 32
    """Leading components that enter the meta-vector."""
    bank_images: int = 10_000
    """Most base-train images in the bank; of more, a random choice."""
    neighbours: int = 10
    """Number of nearest bank images."""
    layer_components: int = 128
    """Most principal components of each layer that its distances are measured in."""
    poolings: tuple[Literal["mean", "max", "std"], ...] = ("mean",)
    """Which poolings of the tapped activation maps to read."""
    seed: int = 0
    """Seed of the dropout masks and of the PCA."""

    @property
    def needs_pca(self) -> bool:
        """Whether any family reads the compressed embedding."""
        return "neighbours" in self.families or "embedding" in self.families

    @property
    def needs_bank(self) -> bool:
        """Whether any family compares with base-train images."""
        return "neighbours" in self.families


def assemble(
    settings: SignalSettings, head: Head, taps: Sequence[Tap], pca: Pca | None, bank: Bank | None, layers: Layers | None
) -> SignalSet:
    """Build the signal set of a recipe from its fitted parts.

    Args:
        settings: the families and their sizes.
        head: head of the base classifier.
        taps: its taps; needed by ``activations``.
        pca: compression of the embedding; needed by ``embedding`` and ``neighbours``, which ``views`` asks too.
        bank: compressed base-train images; needed by ``neighbours``.
        layers: distances at several depths, fitted; needed by ``layers``.
    """
    neighbours = Neighbours(pca, bank, settings.neighbours) if settings.needs_bank and pca and bank else None
    made: list[Family] = []
    for name in settings.families:
        if name == "softmax":
            made.append(Softmax(min(settings.top_logits, len(head.bias))))
        elif name == "dropout":
            made.append(Dropout(head, settings.dropout_samples, settings.seed))
        elif name == "gradient":
            made.append(Gradient())
        elif name == "logits":
            made.append(Logits(len(head.bias)))
        elif name == "activations":
            if not taps:
                raise ValueError("the activations signals need a base classifier with taps.")
            made.append(Activations(taps, settings.poolings))
        elif name == "views":
            made.append(Views(neighbours))
        elif name == "layers":
            if layers is None:
                raise ValueError("the layers signals need statistics of base-train.")
            made.append(layers)
        elif pca is None:
            raise ValueError(f"the {name} signals need a PCA.")
        elif name == "embedding":
            made.append(Embedding(pca, settings.pca_columns))
        elif neighbours is None:
            raise ValueError("the neighbours signals need a bank.")
        else:
            made.append(neighbours)
    return SignalSet(made)
