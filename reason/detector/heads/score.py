"""The simplest head: one column of the meta-vector, which is a score of the literature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import torch

from reason.detector.heads.base import ReliabilityHead, place_of
from reason.detector.heads.newton import RIDGE, minimise
from reason.signals.scores import LOG_ODDS
from reason.signals.standardise import SMALLEST_DEVIATION


class Score(ReliabilityHead):
    """One column, turned so that larger = more trustworthy and brought to the scale of log-odds.

    It ranks exactly as the column does: nothing is clipped. The log-odds of the softmax are kept as they are, so that
    the head's own probability is the softmax's; other columns are scaled by a logistic regression on meta-fit, or to
    standard deviations where that finds no use in them.

    Args:
        column: name of the column.
        direction: ``trust`` where larger values are more trustworthy, ``doubt`` where smaller ones are.
        names: of all columns of the meta-vector.

    Raises:
        ValueError: the column is not among the names; without a full stop.
    """

    kind = "score"
    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, column: str, direction: Literal["trust", "doubt"], names: Sequence[str]) -> None:
        super().__init__()
        self.shape = {"column": column, "direction": direction}
        self._place, self._sign = place_of(column, names), 1 if direction == "trust" else -1
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))

    @classmethod
    def fit(
        cls,
        vectors: torch.Tensor,
        correct: torch.Tensor,
        names: Sequence[str],
        column: str,
        direction: Literal["trust", "doubt"],
    ) -> Self:
        """Find the scale of the column from meta-vectors ``[n, columns]`` and outcomes, bool ``[n]``."""
        head = cls(column, direction, names)
        if column == LOG_ODDS:
            return head.frozen()
        values = vectors[:, head._place].double()
        head.mean.copy_(values.mean())
        # A column that never varies has a deviation of rounding, which is no scale.
        least = SMALLEST_DEVIATION * max(float(values.mean().abs()), SMALLEST_DEVIATION)
        head.deviation.copy_(values.std().clamp(min=least))
        return head._to_log_odds(vectors, correct).frozen()

    def _to_log_odds(self, vectors: torch.Tensor, correct: torch.Tensor) -> Self:
        """Scale on from standard deviations, so that ``slope * standard + bias`` becomes the logit."""
        standard = self(vectors).double().numpy()[:, None]
        if correct.all() or not correct.any():
            return self
        bias, slope = minimise(standard, correct.numpy(), np.array([RIDGE])).tolist()
        deviation = float(self.deviation) / slope if slope > 0 else 0.0
        if deviation > 0:
            self.mean.sub_(self._sign * bias * deviation)
            self.deviation.fill_(deviation)
        return self

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return float32 ``[n]``, larger = more trustworthy; not yet calibrated."""
        values = vectors[:, self._place].double()
        return (self._sign * (values - self.mean.double()) / self.deviation.double()).float()
