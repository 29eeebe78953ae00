"""Signals of dropout before the head: how far the prediction moves when embedding features are dropped.

Only the head is evaluated again, never the backbone: its input is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from reason.base.evidence import Evidence
from reason.base.head import Head
from reason.signals.base import Column, Requirement, SignalFamily, entropy
from reason.signals.registry import FAMILIES

if TYPE_CHECKING:
    from reason.signals.context import Context


@FAMILIES.register
class Dropout(SignalFamily):
    """Monte-Carlo dropout of the head (Gal & Ghahramani 2016), in closed form where there is one.

    With dropout rate p, embedding h and head weights W, the variance of logit k over masks is
    ``p / (1 - p) * sum_j W[k, j]^2 h[j]^2``.

    - ``dropout_logit_deviation``: standard deviation of the predicted class's logit, closed form; no direction by
      itself: it grows with the embedding, as the logit does.
    - ``dropout_gap_ratio``: logit gap over its standard deviation under dropout, closed form; larger = more
      trustworthy.
    - ``dropout_probability_variance``: variance of the predicted class's probability over sampled masks, in [0, 0.25];
      larger = less trustworthy.
    - ``dropout_mutual_information``: mutual information between class and mask in nats (BALD, Houlsby et al. 2011);
      larger = less trustworthy.

    Args:
        head: the linear head and its dropout rate.
        samples: number of masks, the same for every image.
        seed: seed of the masks.
    """

    name = "dropout"
    title = "Dropout of the head"
    help = "How far the prediction moves when random parts of the embedding are left out."
    requires = frozenset({Requirement.HEAD})
    columns = (
        Column(
            "dropout_logit_deviation",
            "Dropout deviation",
            "logits",
            "none",
            "How far the winning logit would move if random parts of the embedding were dropped; it grows with the "
            "logit itself.",
        ),
        Column(
            "dropout_gap_ratio",
            "Gap under dropout",
            "deviations",
            "trust",
            "Logit gap in units of its own movement under dropout; small when dropout could turn the prediction.",
        ),
        Column(
            "dropout_probability_variance",
            "Dropout variance",
            "",
            "doubt",
            "Variance of the predicted class's probability over random dropout masks; zero when it stays put.",
        ),
        Column(
            "dropout_mutual_information",
            "Dropout disagreement",
            "nats",
            "doubt",
            "How much the dropout masks disagree about the class; zero when all say the same.",
        ),
    )

    def __init__(self, head: Head, samples: int, seed: int) -> None:
        self._dropout, self._classes = head.dropout, head.classes
        self._weight, self._bias = head.weights()
        keep = 1 - head.dropout
        # NumPy's generator gives the same masks with every PyTorch version.
        masks = np.random.default_rng(seed).random((samples, head.features)) < keep
        masked = self._weight[None] * torch.from_numpy(masks)[:, None] / keep
        self._weights = masked.flatten(0, 1)

    @classmethod
    def fit(cls, context: Context) -> Self:
        """Draw the masks."""
        return cls(context.head, context.settings.dropout_samples, context.settings.seed)

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, 4]``."""
        probabilities = self.sampled(evidence.embedding)
        mean = probabilities.mean(dim=1)
        information = entropy(mean) - entropy(probabilities).mean(dim=1)
        predicted = evidence.predicted[:, None, None].expand(-1, probabilities.shape[1], 1)
        variance = probabilities.gather(2, predicted)[..., 0].var(dim=1, correction=0)
        deviation, ratio = self._closed_form(evidence)
        return torch.stack([deviation, ratio, variance, information.clamp(min=0)], dim=1)

    def sampled(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return class probabilities ``[n, samples, classes]`` under each mask."""
        logits: torch.Tensor = (embedding @ self._weights.T).unflatten(1, (-1, self._classes))
        return (logits + self._bias).softmax(dim=2)

    def _closed_form(self, evidence: Evidence) -> tuple[torch.Tensor, torch.Tensor]:
        squares = evidence.embedding.square()
        scale = self._dropout / (1 - self._dropout)
        top = evidence.logits.topk(2, dim=1)
        first, second = (self._weight[top.indices[:, rank]] for rank in (0, 1))
        deviation = (scale * (first.square() * squares).sum(dim=1)).sqrt()
        gap_deviation = (scale * ((first - second).square() * squares).sum(dim=1)).sqrt()
        gap = top.values[:, 0] - top.values[:, 1]
        return deviation, gap / gap_deviation.clamp(min=1e-6)
