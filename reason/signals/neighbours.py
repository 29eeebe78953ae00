"""Signals of the base-train images nearest in feature space, found exactly by one matrix product."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from reason.base.evidence import Evidence
from reason.signals.pca import Pca


@dataclass(frozen=True, slots=True)
class Bank:
    """Compressed embeddings of the base-train images."""

    stored: torch.Tensor
    """What ``Pca.directions`` returns of them ``[m, coordinates]``, in half precision as the bundle keeps them."""
    labels: torch.Tensor
    """True classes, int64 ``[m]``."""
    sources: tuple[str, ...]
    """Name of each image inside its data set."""
    points: torch.Tensor = field(init=False)
    """The same in single precision."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", self.stored.float())

    @classmethod
    def fit(cls, pca: Pca, embedding: torch.Tensor, labels: torch.Tensor, sources: tuple[str, ...]) -> Bank:
        """Compress base-train embeddings ``[m, features]``."""
        return cls(pca.directions(embedding).half(), labels, sources)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The bank images nearest to each of ``n`` images, nearest first."""

    distances: torch.Tensor
    """Euclidean distances between unit vectors ``[n, k]``, in [0, 2]."""
    rows: torch.Tensor
    """Indices into the bank ``[n, k]``."""


@dataclass(frozen=True, slots=True)
class Search:
    """Images compared with the whole bank."""

    distances: torch.Tensor
    """Distances to every bank image ``[n, m]``, in [0, 2]."""
    nearest: Nearest
    """The ``k`` nearest of them."""


class Neighbours:
    """Distances to the nearest bank images, and whether their labels agree with the prediction.

    Distances are those of embeddings scaled to unit length (Sun et al. 2022, deep nearest neighbours). The bank is
    compressed by the PCA; what its directions miss of an image still counts, through the image's whole length. That is
    what tells images unlike base-train: they leave the directions that it uses.

    - ``knn_distance``: distance to the k-th nearest, in [0, 2]; larger = less trustworthy.
    - ``knn_nearest_distance``: distance to the nearest, in [0, 2]; larger = less trustworthy.
    - ``knn_label_agreement``: share of the k nearest whose label is the predicted class, in [0, 1]; larger = more
      trustworthy.
    - ``trust_score``: distance to the nearest image of another class over distance to the nearest of the predicted
      class (Jiang et al. 2018); larger = more trustworthy.

    Args:
        pca: fitted on base-train.
        bank: compressed base-train images.
        k: number of neighbours.
    """

    group = "neighbours"
    scalar = True
    names: tuple[str, ...] = (
        "knn_distance",
        "knn_nearest_distance",
        "knn_label_agreement",
        "trust_score",
    )

    def __init__(self, pca: Pca, bank: Bank, k: int) -> None:
        self.pca, self.bank = pca, bank
        self.k = min(k, len(bank.labels))

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, 4]``."""
        return self.columns(evidence, self.search(evidence))

    def search(self, evidence: Evidence) -> Search:
        """Compare the images with the whole bank, once for the columns and for the neighbours that people see."""
        # For unit vectors the distance is sqrt(2 - 2 cosine).
        cosine = self.pca.directions(evidence.embedding) @ self.bank.points.T
        distances = (2 - 2 * cosine).clamp(min=0).sqrt()
        found = distances.topk(self.k, dim=1, largest=False)
        return Search(distances, Nearest(found.values, found.indices))

    def columns(self, evidence: Evidence, search: Search) -> torch.Tensor:
        """Return float32 ``[n, 4]`` of images that were searched for already."""
        predicted = evidence.predicted[:, None]
        agreement = (self.bank.labels[search.nearest.rows] == predicted).float().mean(dim=1)
        same = self.bank.labels[None] == predicted
        to_same = search.distances.masked_fill(~same, 2.0).amin(dim=1)
        to_other = search.distances.masked_fill(same, 2.0).amin(dim=1)
        columns = [
            search.nearest.distances[:, -1],
            search.nearest.distances[:, 0],
            agreement,
            to_other / to_same.clamp(min=1e-3),
        ]
        return torch.stack(columns, dim=1)
