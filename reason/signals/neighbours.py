"""Signals of the base-train images nearest in feature space, found exactly by one matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch

from reason.base.evidence import Evidence
from reason.signals.bank import Bank, Nearest
from reason.signals.base import Column, Part, Requirement, SignalFamily
from reason.signals.pca import Pca
from reason.signals.registry import FAMILIES

if TYPE_CHECKING:
    from reason.signals.context import Context
    from reason.signals.settings import SignalSettings


@dataclass(frozen=True, slots=True)
class Search:
    """Images compared with the whole bank."""

    distances: torch.Tensor
    """Distances to every bank image ``[n, m]``, in [0, 2]."""
    nearest: Nearest
    """The ``k`` nearest of them."""


@FAMILIES.register
class Neighbours(SignalFamily):
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

    name = "neighbours"
    title = "Nearest training images"
    help = "How near the training images are that look most alike to the classifier, and which classes they carry."
    requires = frozenset({Requirement.BANK})
    columns = (
        Column(
            "knn_distance",
            "Neighbour distance",
            "",
            "doubt",
            "Distance to the farthest of the nearest training images; large when little like it was seen; at most 2.",
        ),
        Column(
            "knn_nearest_distance",
            "Nearest distance",
            "",
            "doubt",
            "Distance to the single most similar training image; at most 2.",
        ),
        Column(
            "knn_label_agreement",
            "Neighbour agreement",
            "share",
            "trust",
            "Share of the nearest training images that carry the predicted class.",
        ),
        Column(
            "trust_score",
            "Trust score",
            "",
            "trust",
            "How much farther the nearest image of another class is than that of the predicted one; below 1, another "
            "class is closer.",
        ),
    )

    def __init__(self, pca: Pca, bank: Bank, k: int) -> None:
        self.pca, self.bank = pca, bank
        self.k = min(k, len(bank.labels))

    @classmethod
    def shares(cls, settings: SignalSettings) -> tuple[type[Part], ...]:
        """The PCA and the bank."""
        return (Pca, Bank)

    @classmethod
    def fit(cls, context: Context) -> Self:
        """Take the shared PCA and bank."""
        return cls(context.part(Pca), context.part(Bank), context.settings.neighbours)

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, 4]``."""
        return self.of_search(evidence, self.search(evidence))

    def explain(self, evidence: Evidence) -> tuple[torch.Tensor, Nearest]:
        """Return float32 ``[n, 4]``, and the nearest images themselves, by one search."""
        search = self.search(evidence)
        return self.of_search(evidence, search), search.nearest

    def search(self, evidence: Evidence) -> Search:
        """Compare the images with the whole bank."""
        # For unit vectors the distance is sqrt(2 - 2 cosine).
        cosine = self.pca.directions(evidence.embedding) @ self.bank.points.T
        distances = (2 - 2 * cosine).clamp(min=0).sqrt()
        found = distances.topk(self.k, dim=1, largest=False)
        return Search(distances, Nearest(found.values, found.indices, self.bank))

    def of_search(self, evidence: Evidence, search: Search) -> torch.Tensor:
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
