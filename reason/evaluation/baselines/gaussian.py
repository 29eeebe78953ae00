"""Distances to Gaussians that are fitted to the base-train embeddings."""

from __future__ import annotations

from typing import Self

import torch

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, fitted
from reason.signals.gaussians import Gaussians


@SCORES.register
class Mahalanobis(ConfidenceScore):
    """Negative squared Mahalanobis distance to the nearest class mean, <= 0 (Lee et al. 2018).

    ``-min_c (h - m_c)^T S^+ (h - m_c)`` with the covariance S shared by all classes; on the embedding alone, without
    the paper's input perturbation and its mix of layers.
    """

    name = "Mahalanobis"
    learns_from = frozenset({"train"})

    def __init__(self) -> None:
        self.classes_: Gaussians | None = None

    def fit(self, context: ScoreContext) -> Self:
        """Fit class means and covariance to base-train."""
        self.classes_ = Gaussians.fit(context.train.evidence.embedding.double(), context.train.labels)
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        return -fitted(self.classes_, self.name).nearest(evidence.embedding.double())


@SCORES.register
class RelativeMahalanobis(ConfidenceScore):
    """Mahalanobis distance to all of base-train minus that to the nearest class (Ren et al. 2021).

    ``(h - m_0)^T S_0^+ (h - m_0) - min_c (h - m_c)^T S^+ (h - m_c)``: what is unusual for every class alike cancels.
    """

    name = "relative Mahalanobis"
    learns_from = frozenset({"train"})

    def __init__(self) -> None:
        self.classes_: Gaussians | None = None
        self.background_: Gaussians | None = None

    def fit(self, context: ScoreContext) -> Self:
        """Fit the classes' Gaussians and a single one to base-train."""
        embedding = context.train.evidence.embedding.double()
        self.classes_ = Gaussians.fit(embedding, context.train.labels)
        self.background_ = Gaussians.fit(embedding, torch.zeros_like(context.train.labels))
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        embedding = evidence.embedding.double()
        background, classes = fitted(self.background_, self.name), fitted(self.classes_, self.name)
        return background.nearest(embedding) - classes.nearest(embedding)
