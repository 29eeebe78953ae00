"""Uncertainty relative to how the classes are confused on images with known outcomes."""

from __future__ import annotations

from typing import Self

import torch

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, fitted, outcomes, probabilities


@SCORES.register
class RelU(ConfidenceScore):
    """Rel-U ``-p^T D p``, <= 0: pairs of classes count as much as they go with mistakes (Dadalto et al. 2024).

    ``D = max(0, w E[p p^T | wrong] - (1 - w) E[p p^T | correct])`` over meta-fit, with an empty diagonal and scaled to
    unit Frobenius norm. Where no pair goes with mistakes, all pairs count alike, which ranks as DOCTOR does.

    Args:
        weight: weight w of the wrong predictions, in (0, 1).
    """

    name = "Rel-U"
    learns_from = frozenset({"meta"})

    def __init__(self, weight: float = 0.5) -> None:
        self.weight = weight
        self.pairs_: torch.Tensor | None = None

    def fit(self, context: ScoreContext) -> Self:
        """Learn D from meta-fit.

        Raises:
            FitError: meta-fit lacks correct or wrong predictions.
        """
        correct = outcomes(context.meta, self.name)
        p = probabilities(context.meta.evidence)
        right, wrong = (rows.T @ rows / len(rows) for rows in (p[correct], p[~correct]))
        pairs = (self.weight * wrong - (1 - self.weight) * right).clamp(min=0).fill_diagonal_(0)
        if not pairs.any():
            pairs = torch.ones_like(pairs).fill_diagonal_(0)
        self.pairs_ = pairs / pairs.norm()
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        p = probabilities(evidence)
        return -((p @ fitted(self.pairs_, self.name)) * p).sum(dim=1)
