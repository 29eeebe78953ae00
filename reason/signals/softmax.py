"""Signals of the class scores: probability, entropy, energy, gaps and the largest logits."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence


class Softmax:
    """What the logits alone say.

    - ``max_probability``: largest softmax probability, in (0, 1]; larger = more trustworthy (Hendrycks & Gimpel 2017).
    - ``entropy``: entropy of the class probabilities in nats, in [0, ln classes]; larger = less trustworthy.
    - ``logit_gap``: largest minus second largest logit, >= 0; larger = more trustworthy.
    - ``energy``: log-sum-exp of the logits, the negative free energy; larger = more trustworthy (Liu et al. 2020).
    - ``top_logit_1`` ...: the largest logits in descending order.
    """

    group = "softmax"
    scalar = True

    def __init__(self, top: int) -> None:
        self.top = top
        self.names: tuple[str, ...] = (
            "max_probability",
            "entropy",
            "logit_gap",
            "energy",
            *(f"top_logit_{rank}" for rank in range(1, top + 1)),
        )

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
