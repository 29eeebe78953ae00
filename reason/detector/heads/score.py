"""The simplest head: one column of the meta-vector, which is a score of the literature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import torch

from reason.detector.heads.base import ReliabilityHead, place_of
from reason.signals.standardise import SMALLEST_DEVIATION


class Score(ReliabilityHead):
    """One column in standard deviations from its mean, turned so that larger = more trustworthy.

    It ranks exactly as the column does: nothing is clipped.

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
    def unfitted(cls, names: Sequence[str], shape: Mapping[str, Any]) -> Self:
        """Make one of this shape; see ``ReliabilityHead.unfitted``."""
        return cls(**shape, names=names)

    @classmethod
    def fit(
        cls, vectors: torch.Tensor, names: Sequence[str], column: str, direction: Literal["trust", "doubt"]
    ) -> Self:
        """Take mean and deviation of the column from meta-vectors ``[n, columns]``."""
        head = cls(column, direction, names)
        values = vectors[:, head._place].double()
        head.mean.copy_(values.mean())
        # A column that never varies has a deviation of rounding, which is no scale.
        least = SMALLEST_DEVIATION * max(float(values.mean().abs()), SMALLEST_DEVIATION)
        head.deviation.copy_(values.std().clamp(min=least))
        return head.frozen()

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return float32 ``[n]``, larger = more trustworthy; not yet calibrated."""
        values = vectors[:, self._place].double()
        return (self._sign * (values - self.mean.double()) / self.deviation.double()).float()
