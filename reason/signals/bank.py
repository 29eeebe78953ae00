"""The bank: compressed embeddings of base-train images, which new images are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch

from reason.signals.base import Layout, State
from reason.signals.pca import Pca
from reason.signals.texts import from_bytes, printable, to_bytes

if TYPE_CHECKING:
    from reason.base.taps import Tap
    from reason.signals.context import Context
    from reason.signals.settings import SignalSettings


@dataclass(frozen=True, slots=True)
class Bank:
    """Compressed embeddings of the base-train images."""

    stem: ClassVar[str] = "knn_bank"

    stored: torch.Tensor
    """What ``Pca.directions`` returns of them ``[m, coordinates]``, in half precision as the bundle keeps them."""
    labels: torch.Tensor
    """True classes, int64 ``[m]``."""
    sources: tuple[str, ...]
    """Name of each image inside its data set."""
    points: torch.Tensor = field(init=False)
    """The same as ``stored`` in single precision."""

    def __post_init__(self) -> None:
        if not len(self.stored) == len(self.labels) == len(self.sources):
            raise ValueError("points, labels and sources of the bank differ in number.")
        object.__setattr__(self, "points", self.stored.float())

    @classmethod
    def fit(cls, pca: Pca, embedding: torch.Tensor, labels: torch.Tensor, sources: tuple[str, ...]) -> Bank:
        """Compress base-train embeddings ``[m, features]``."""
        return cls(pca.directions(embedding).half(), labels, sources)

    @classmethod
    def learn(cls, context: Context) -> Bank:
        """Compress base-train, or a random choice of it where it is larger than ``bank_images``."""
        train, settings = context.train, context.settings
        if len(train) > settings.bank_images:
            order = torch.randperm(len(train), generator=torch.Generator().manual_seed(settings.seed))
            train = train.take(order[: settings.bank_images].sort().values)
        return cls.fit(context.part(Pca), train.evidence.embedding, train.labels, train.sources)

    @classmethod
    def layout(cls, taps: Sequence[Tap]) -> Layout:
        """Return ``stored``, ``labels`` and ``sources``."""
        return {
            "stored": ("F16", "images", "coordinates"),
            "labels": ("I64", "images"),
            "sources": ("U8", "images", "bytes"),
        }

    @classmethod
    def check(cls, state: State, settings: SignalSettings, classes: int) -> None:
        """Refuse labels of no class, sources that are no text, and more images than the settings allow.

        Raises:
            ValueError: what is wrong.
        """
        labels = state["labels"]
        if len(labels) > settings.bank_images:
            raise ValueError(f"there are {len(labels)} images, more than signals.bank_images")
        if int(labels.min()) < 0 or int(labels.max()) >= classes:
            raise ValueError(f"labels go beyond the {classes} classes")
        printable(state["sources"], "sources")

    def state(self) -> State:
        """Return ``stored``, ``labels`` and, as bytes, ``sources``."""
        return {"stored": self.stored, "labels": self.labels, "sources": to_bytes(self.sources)}

    @classmethod
    def from_state(cls, state: State, context: Context) -> Bank:
        """Make the bank from what ``state`` returned.

        Raises:
            ValueError: it was not compressed by this PCA.
        """
        width, expected = state["stored"].shape[1], len(context.part(Pca).frame)
        if width != expected:
            raise ValueError(f"the bank has {width} coordinates, and the PCA gives {expected}")
        return cls(state["stored"], state["labels"], from_bytes(state["sources"]))


@dataclass(frozen=True, slots=True)
class Nearest:
    """The bank images nearest to each of ``n`` images, nearest first."""

    distances: torch.Tensor
    """Euclidean distances between unit vectors ``[n, k]``, in [0, 2]."""
    rows: torch.Tensor
    """Indices into the bank ``[n, k]``."""
    bank: Bank
