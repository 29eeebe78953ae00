"""Signals of the class scores: probability, entropy, energy, gaps and the largest logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch

from reason.base.evidence import Evidence
from reason.signals.base import Column, SignalFamily
from reason.signals.registry import FAMILIES

if TYPE_CHECKING:
    from reason.signals.context import Context


SCORES = (
    Column(
        "max_probability",
        "Highest probability",
        "share",
        "trust",
        "Softmax probability of the predicted class; can be high when the prediction is wrong.",
    ),
    Column(
        "entropy",
        "Entropy",
        "nats",
        "doubt",
        "How widely the probability spreads over the classes; zero when one class takes it all.",
    ),
    Column(
        "logit_gap",
        "Logit gap",
        "logits",
        "trust",
        "Lead of the best class over the runner-up; small when two classes compete.",
    ),
    Column(
        "energy",
        "Energy",
        "logits",
        "trust",
        "How much evidence there is for any of the classes (log-sum-exp of the logits); low on unfamiliar images.",
    ),
)
"""The columns that every classifier has."""


def _ranked(rank: int) -> Column:
    return Column(
        f"top_logit_{rank}",
        f"Logit {rank}",
        "logits",
        "trust" if rank == 1 else "none",
        f"Logit number {rank}, counted from the largest.",
    )


@FAMILIES.register
class Softmax(SignalFamily):
    """What the logits alone say.

    - ``max_probability``: largest softmax probability, in (0, 1]; larger = more trustworthy (Hendrycks & Gimpel 2017).
    - ``entropy``: entropy of the class probabilities in nats, in [0, ln classes]; larger = less trustworthy.
    - ``logit_gap``: largest minus second largest logit, >= 0; larger = more trustworthy.
    - ``energy``: log-sum-exp of the logits, the negative free energy; larger = more trustworthy (Liu et al. 2020).
    - ``top_logit_1`` ...: the largest logits in descending order; of the first, larger = more trustworthy.

    Args:
        top: number of largest logits.
    """

    name = "softmax"
    title = "Class scores"
    help = "What the classifier's own class scores say: how sure it is, and how far ahead the predicted class is."

    def __init__(self, top: int) -> None:
        self.top = top
        self.columns = (*SCORES, *(_ranked(rank) for rank in range(1, top + 1)))

    @classmethod
    def fit(cls, context: Context) -> Self:
        """Count the largest logits; of few classes, all."""
        return cls(min(context.settings.top_logits, context.head.classes))

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, 4 + top]``."""
        log_probabilities = evidence.logits.log_softmax(dim=1)
        probabilities = log_probabilities.exp()
        entropy = -(probabilities * log_probabilities).sum(dim=1)
        ranked = evidence.logits.sort(dim=1, descending=True).values
        columns = [
            probabilities.amax(dim=1),
            entropy,
            ranked[:, 0] - ranked[:, 1],
            evidence.logits.logsumexp(dim=1),
        ]
        return torch.cat([torch.stack(columns, dim=1), ranked[:, : self.top]], dim=1)
