"""The largest logit against the size of all."""

from __future__ import annotations

from typing import Self

import torch

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, fitted, outcomes
from reason.metrics import auroc

NORMS = tuple(range(11))
"""Exponents that are tried for the p-norm; 0 stands for no division."""


@SCORES.register
class MaxLogitPNorm(ConfidenceScore):
    """Largest centred logit over the p-norm of the centred logits, in [0, 1] for p > 0 (Cattelan & Silva 2024).

    ``max_k (z_k - mean z) / ||z - mean z||_p``. Among the exponents 0 (no division) to 10, that with the largest
    AUROC_f on meta-fit is kept, the smallest where several are equal.
    """

    name = "MaxLogit pNorm"
    learns_from = frozenset({"meta"})

    def __init__(self) -> None:
        self.p_: int | None = None

    def fit(self, context: ScoreContext) -> Self:
        """Choose p on meta-fit.

        Raises:
            FitError: meta-fit lacks correct or wrong predictions.
        """
        correct = outcomes(context.meta, self.name).numpy()
        self.p_ = max(NORMS, key=lambda p: auroc(_max_over_norm(context.meta.evidence.logits, p).numpy(), correct))
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        return _max_over_norm(evidence.logits, fitted(self.p_, self.name))


def _max_over_norm(logits: torch.Tensor, p: int) -> torch.Tensor:
    centred = logits.double() - logits.double().mean(dim=1, keepdim=True)
    largest = centred.amax(dim=1)
    if p == 0:
        return largest
    length: torch.Tensor = torch.linalg.vector_norm(centred, p, dim=1)
    # Equal logits have no length, and say nothing: 0.
    return largest / length.clamp(min=torch.finfo(torch.float64).tiny)
