"""Scores of the class probabilities alone."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, probabilities


@SCORES.register
class Msp(ConfidenceScore):
    """Maximum softmax probability ``max_k p_k``, in (0, 1] (Hendrycks & Gimpel 2017)."""

    name = "MSP"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        return probabilities(evidence).amax(dim=1)


@SCORES.register
class Margin(ConfidenceScore):
    """Gap ``p_1 - p_2`` between the two largest probabilities, in [0, 1] (Scheffer et al. 2001)."""

    name = "margin"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        top = probabilities(evidence).topk(2, dim=1).values
        return top[:, 0] - top[:, 1]


@SCORES.register
class Entropy(ConfidenceScore):
    """Negative entropy ``sum_k p_k ln p_k`` of the class probabilities in nats, in [-ln classes, 0] (Shannon 1948)."""

    name = "entropy"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        log_probabilities = evidence.logits.double().log_softmax(dim=1)
        return (log_probabilities.exp() * log_probabilities).sum(dim=1)
