"""Scores of the class probabilities alone."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import ParameterFree, probabilities


class Msp(ParameterFree):
    """Maximum softmax probability ``max_k p_k``, in (0, 1] (Hendrycks & Gimpel 2017)."""

    name = "MSP"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        return probabilities(evidence).amax(dim=1)


class Margin(ParameterFree):
    """Gap ``p_1 - p_2`` between the two largest probabilities, in [0, 1] (Scheffer et al. 2001)."""

    name = "margin"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        top = probabilities(evidence).topk(2, dim=1).values
        return top[:, 0] - top[:, 1]


class Entropy(ParameterFree):
    """Negative entropy ``sum_k p_k ln p_k`` of the class probabilities in nats, in [-ln classes, 0] (Shannon 1948)."""

    name = "entropy"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        log_probabilities = evidence.logits.double().log_softmax(dim=1)
        return (log_probabilities.exp() * log_probabilities).sum(dim=1)


class Doctor(ParameterFree):
    """DOCTOR's alpha form ``-(1 - g) / g`` with ``g = sum_k p_k^2``, <= 0 (Granese et al. 2021).

    ``1 - g`` is the chance that two draws from the class probabilities disagree. The beta form ranks as MSP does.
    """

    name = "DOCTOR"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        agreement = probabilities(evidence).square().sum(dim=1)
        return -(1 - agreement) / agreement


class Gen(ParameterFree):
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
