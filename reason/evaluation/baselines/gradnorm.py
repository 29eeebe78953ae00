"""The gradient that an undecided target would send into the head."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, probabilities


@SCORES.register
class GradNorm(ConfidenceScore):
    """L1 norm of the head's weight gradient of ``KL(uniform || softmax z)``, >= 0 (Huang et al. 2021).

    The gradient is the outer product of ``p - 1 / classes`` and the embedding h, so its norm is
    ``||h||_1 * sum_k |p_k - 1 / classes|``: no backward pass is needed.
    """

    name = "GradNorm"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        distance = (probabilities(evidence) - 1 / evidence.logits.shape[1]).abs().sum(dim=1)
        return evidence.embedding.double().abs().sum(dim=1) * distance
