"""Monte-Carlo dropout of the head."""

from __future__ import annotations

from typing import Self

import torch

from reason.base.evidence import Evidence
from reason.base.head import Head
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, fitted
from reason.signals import Requirement
from reason.signals.dropout import Dropout

ROWS = 4096
"""Images whose samples are held in memory together."""


@SCORES.register
class McDropout(ConfidenceScore):
    """Probability of the predicted class, mean over dropout masks, in [0, 1] (Gal & Ghahramani 2016).

    Only the head's dropout is sampled. At a dropout rate of 0 this is MSP.

    Args:
        samples: number of masks, the same for every image.
        seed: seed of the masks.
    """

    name = "MC-dropout"
    learns_from = frozenset({"head"})
    requires = frozenset({Requirement.HEAD})

    def __init__(self, samples: int = 32, seed: int = 0) -> None:
        self.samples, self.seed = samples, seed
        self.dropout_: Dropout | None = None

    def fit(self, context: ScoreContext) -> Self:
        """Draw the masks of the head's dropout."""
        weight, bias = context.head.weights()
        precise = Head.linear(weight.double(), bias.double(), context.head.dropout)
        self.dropout_ = Dropout(precise, self.samples, self.seed)
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        sample = fitted(self.dropout_, self.name).sampled
        means = [sample(rows).mean(dim=1) for rows in evidence.embedding.double().split(ROWS)]
        return torch.cat(means).gather(1, evidence.predicted[:, None])[:, 0]
