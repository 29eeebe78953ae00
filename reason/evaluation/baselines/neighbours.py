"""Distance to the base-train images in feature space."""

from __future__ import annotations

from typing import Self

import torch
from sklearn.neighbors import NearestNeighbors
from torch.nn import functional

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, fitted


@SCORES.register
class Knn(ConfidenceScore):
    """Negative distance between unit embeddings to the k-th nearest base-train image, in [-2, 0] (Sun et al. 2022).

    Args:
        k: number of neighbours; all base-train images where there are fewer.
    """

    name = "kNN"
    learns_from = frozenset({"train"})

    def __init__(self, k: int = 50) -> None:
        self.k = k
        self.search_: NearestNeighbors | None = None

    def fit(self, context: ScoreContext) -> Self:
        """Keep the base-train embeddings."""
        neighbours = min(self.k, len(context.train.labels))
        search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute")
        self.search_ = search.fit(_unit(context.train.evidence).numpy())
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        distances, _ = fitted(self.search_, self.name).kneighbors(_unit(evidence).numpy())
        return -torch.from_numpy(distances[:, -1])


def _unit(evidence: Evidence) -> torch.Tensor:
    return functional.normalize(evidence.embedding.double(), dim=1)
