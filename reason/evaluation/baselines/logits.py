"""Scores of the logits before any softmax."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore


@SCORES.register
class MaxLogit(ConfidenceScore):
    """Largest logit ``max_k z_k`` (Hendrycks et al. 2022)."""

    name = "MaxLogit"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        return evidence.logits.double().amax(dim=1)


@SCORES.register
class Energy(ConfidenceScore):
    """Negative free energy ``ln sum_k exp z_k`` of the logits (Liu et al. 2020)."""

    name = "energy"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        return evidence.logits.double().logsumexp(dim=1)
