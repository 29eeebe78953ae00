"""Scores of how much the class probabilities are spread: chances that two draws from them disagree, and entropies."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, probabilities


@SCORES.register
class Doctor(ConfidenceScore):
    """DOCTOR's alpha form ``-(1 - g) / g`` with ``g = sum_k p_k^2``, <= 0 (Granese et al. 2021).

    ``1 - g`` is the chance that two draws from the class probabilities disagree. The beta form ranks as MSP does.
    """

    name = "DOCTOR"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        agreement = probabilities(evidence).square().sum(dim=1)
        return -(1 - agreement) / agreement


@SCORES.register
class Gen(ConfidenceScore):
    """Generalised entropy ``-sum_k p_k^gamma (1 - p_k)^gamma`` over the largest classes, <= 0 (Liu et al. 2023).

    Args:
        gamma: exponent in (0, 1); the smaller, the more small probabilities weigh.
        classes: number of largest probabilities that enter; all where there are fewer.
    """

    name = "GEN"

    def __init__(self, gamma: float = 0.1, classes: int = 100) -> None:
        self.gamma, self.classes = gamma, classes

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        ranked = probabilities(evidence).sort(dim=1, descending=True).values
        rest = 1 - ranked
        # The small exponent magnifies what the subtraction would round away beside a saturated probability.
        rest[:, 0] = ranked[:, 1:].sum(dim=1)
        return -(ranked * rest)[:, : self.classes].pow(self.gamma).sum(dim=1)
