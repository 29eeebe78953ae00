"""A logistic regression that is shrunk towards the softmax's own confidence, and not towards nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch

from reason.detector.heads.base import ReliabilityHead, place_of
from reason.detector.heads.newton import RIDGE, minimise
from reason.errors import FitError
from reason.signals.standardise import CLIP, Standardisation

Ranges = torch.Tensor
"""Least and largest value of each column ``[2, columns]``."""


class Logistic(ReliabilityHead):
    """Log-odds of being right, linear in standardised columns (Cox 1958), around one column that is its anchor.

    ``logit = bias + weight[anchor] * a + sum_j weight[j] * x[j]``, where ``a`` is the anchor in standard deviations and
    the ``x`` are the other columns, each clipped to a range of its own. Only the weights of the others are penalised:
    the larger the penalty, the closer the ranking is to that of the anchor alone. Where the ranges hold only what is
    unusual, usual images are ranked by the anchor alone.

    Args:
        anchor: name of the column that is neither penalised nor clipped; ``log_odds`` stands for MSP.
        names: of all columns of the meta-vector.

    Raises:
        ValueError: the anchor is not among the names; without a full stop.
    """

    kind = "logistic"
    mean: torch.Tensor
    deviation: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, anchor: str, names: Sequence[str]) -> None:
        super().__init__()
        self.shape = {"anchor": anchor}
        self._place = place_of(anchor, names)
        self.register_buffer("mean", torch.zeros(len(names)))
        self.register_buffer("deviation", torch.ones(len(names)))
        self.register_buffer("low", torch.full((len(names),), -CLIP))
        self.register_buffer("high", torch.full((len(names),), CLIP))
        self.register_buffer("weight", torch.zeros(len(names)))
        self.register_buffer("bias", torch.zeros(()))

    @classmethod
    def fit(
        cls,
        vectors: torch.Tensor,
        correct: torch.Tensor,
        raw: Sequence[bool],
        names: Sequence[str],
        *,
        anchor: str,
        penalty: float,
        ranges: Ranges | None = None,
    ) -> Self:
        """Fit by maximum penalised likelihood: the minimum of ``sum of log losses + penalty / 2 * sum_j weight[j]^2``.

        Args:
            vectors: meta-vectors of images that the base classifier did not train on, ``[n, columns]``.
            correct: bool ``[n]``.
            raw: whether each column is a raw feature, see ``SignalSet.raw``; those get no weight.
            names: of the columns.
            anchor: the column that is not penalised.
            penalty: of the others, above 0; as strong as so many rows.
            ranges: least and largest value of each column, before it is standardised ``[2, columns]``; a column without
                a range, of NaN, gets no weight. By default +-``CLIP`` deviations.

        Raises:
            FitError: all predictions are correct, or all are wrong.
            ValueError: the anchor is not among the names.
        """
        if correct.all() or not correct.any():
            raise FitError("the logistic regression needs correct and wrong predictions among the meta-fit images.")
        head = cls(anchor, names)
        found = Standardisation.fit(vectors)
        head.mean.copy_(found.mean)
        head.deviation.copy_(found.deviation)
        wanted = ~np.array(raw, dtype=bool)
        if ranges is not None:
            standard = ((ranges - found.mean) / found.deviation).nan_to_num(0.0).clamp(-CLIP, CLIP)
            head.low.copy_(standard[0])
            head.high.copy_(standard[1])
            wanted &= ~ranges.isnan().any(dim=0).numpy()
        used = np.flatnonzero(wanted | (np.arange(len(names)) == head._place))
        penalties = np.where(used == head._place, RIDGE, penalty)
        weights = minimise(head.standardise(vectors).numpy()[:, used], correct.numpy(), penalties)
        head.weight[torch.from_numpy(used)] = torch.from_numpy(weights[1:]).float()
        head.bias.fill_(float(weights[0]))
        return head.frozen()

    def standardise(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return columns in standard deviations of meta-fit, float64; all but the anchor clipped to their ranges."""
        standard = (vectors.double() - self.mean.double()) / self.deviation.double()
        clipped = standard.clamp(self.low.double(), self.high.double())
        clipped[:, self._place] = standard[:, self._place]
        return clipped

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return float32 ``[n]``, larger = more trustworthy; not yet calibrated."""
        return (self.standardise(vectors) @ self.weight.double() + self.bias.double()).float()
