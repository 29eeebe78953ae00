"""The maximum softmax probability, held back where the embedding is unlike base-train."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import torch
from torch.nn import functional

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, fitted
from reason.evaluation.baselines.vim import ResidualSpace
from reason.signals import Requirement


class Sirc(ConfidenceScore):
    """Softmax information retaining combination of MSP and a second score s (Xia & Bouganis 2022).

    ``-ln[(1 - MSP) (1 + exp(-b (s - a)))]``, with ``a`` three standard deviations below the mean of s on base-train
    and ``b`` one over the deviation. While s is usual the ranking is that of MSP.
    """

    learns_from = frozenset({"train"})

    def __init__(self) -> None:
        self.moments_: tuple[float, float] | None = None

    @abstractmethod
    def second(self, evidence: Evidence) -> torch.Tensor:
        """Return the second score s, float64 ``[n]``, larger = more trustworthy."""

    def fit(self, context: ScoreContext) -> Self:
        """Learn the usual range of the second score from base-train."""
        usual = self.second(context.train.evidence)
        self.moments_ = float(usual.mean()), float(usual.std(correction=0))
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        mean, deviation = fitted(self.moments_, self.name)
        second = self.second(evidence)
        # A second score that never varies says nothing.
        above = (second - mean) / deviation + 3 if deviation > 0 else torch.zeros_like(second)
        ranked = evidence.logits.double().sort(dim=1, descending=True).values
        # 1 - MSP is the mass of the other classes; the difference itself would round to 0 when saturated.
        log_rest = ranked[:, 1:].logsumexp(dim=1) - ranked.logsumexp(dim=1)
        return -log_rest - functional.softplus(-above)


@SCORES.register
class SircNorm(Sirc):
    """SIRC of MSP and the L1 norm of the embedding, which is small for images unlike base-train."""

    name = "SIRC with norm"

    def second(self, evidence: Evidence) -> torch.Tensor:
        """Return the L1 norm of the embedding, float64 ``[n]``."""
        return evidence.embedding.double().abs().sum(dim=1)


@SCORES.register
class SircResidual(Sirc):
    """SIRC of MSP and the negative residual of the embedding, as ViM has it."""

    name = "SIRC with residual"
    learns_from = frozenset({"head", "train"})
    requires = frozenset({Requirement.HEAD})

    def __init__(self) -> None:
        super().__init__()
        self.space_: ResidualSpace | None = None

    def fit(self, context: ScoreContext) -> Self:
        """Learn the residual space and its usual range from base-train."""
        self.space_ = ResidualSpace.fit(context.head, context.train.evidence.embedding.double())
        return super().fit(context)

    def second(self, evidence: Evidence) -> torch.Tensor:
        """Return the negative length in the residual space, float64 ``[n]``."""
        return -fitted(self.space_, self.name).length(evidence.embedding)
