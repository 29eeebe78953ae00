"""Scores of the logits before any softmax."""

from __future__ import annotations

from typing import Self

import torch

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.evaluation.baselines.base import ParameterFree, fitted, outcomes
from reason.evaluation.metrics import auroc

NORMS = tuple(range(11))
"""Exponents that are tried for the p-norm; 0 stands for no division."""


class Energy(ParameterFree):
    """Negative free energy ``ln sum_k exp z_k`` of the logits (Liu et al. 2020)."""

    name = "energy"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        return evidence.logits.double().logsumexp(dim=1)


class MaxLogit(ParameterFree):
    """Largest logit ``max_k z_k`` (Hendrycks et al. 2022)."""

    name = "MaxLogit"

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        return evidence.logits.double().amax(dim=1)


class MaxLogitPNorm:
    """Largest centred logit over the p-norm of the centred logits, in [0, 1] for p > 0 (Cattelan & Silva 2024).

    ``max_k (z_k - mean z) / ||z - mean z||_p``. Among the exponents 0 (no division) to 10, that with the largest
    AUROC_f on meta-fit is kept, the smallest where several are equal.
    """

    name = "MaxLogit pNorm"

    def __init__(self) -> None:
        self.p_: int | None = None

    def fit(self, head: Head, train: Labelled, meta: Labelled) -> Self:
        """Choose p on meta-fit.

        Raises:
            FitError: meta-fit lacks correct or wrong predictions.
        """
        correct = outcomes(meta, self.name).numpy()
        self.p_ = max(NORMS, key=lambda p: auroc(_max_over_norm(meta.evidence.logits, p).numpy(), correct))
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
