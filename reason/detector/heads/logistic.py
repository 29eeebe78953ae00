"""A logistic regression that is shrunk towards the softmax's own confidence, and not towards nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from reason.detector.heads.base import ReliabilityHead, place_of
from reason.errors import FitError
from reason.signals.standardise import CLIP, Standardisation

STEPS, SMALL_STEP, HALVINGS = 100, 1e-10, 40
"""Newton's steps at most, the gain in nats a row that ends them, and how often a step that gains nothing is halved."""

RIDGE = 1e-3
"""Penalty of the anchor's slope: so small that it only keeps the slope finite where the anchor separates all rows."""

Floats = NDArray[np.float64]

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
    def unfitted(cls, names: Sequence[str], shape: Mapping[str, Any]) -> Self:
        """Make one of this shape; see ``ReliabilityHead.unfitted``."""
        return cls(**shape, names=names)

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


def minimise(columns: Floats, correct: NDArray[np.bool_], penalties: Floats) -> Floats:
    """Return bias and weights ``[1 + columns]`` of a penalised logistic regression, by Newton's method.

    Args:
        columns: ``[n, columns]``.
        correct: ``[n]``.
        penalties: of each column's squared weight ``[columns]``, above 0; the bias has none.
    """
    design = np.column_stack([np.ones(len(columns)), columns])
    penalty: Floats = np.concatenate([np.zeros(1), penalties])
    share = correct.mean()
    weights: Floats = np.zeros(design.shape[1])
    weights[0] = np.log(share / (1 - share))
    loss = _loss(design, correct, penalty, weights)
    for _ in range(STEPS):
        step = _newton(design, correct, penalty, weights)
        for _ in range(HALVINGS):
            lower = _loss(design, correct, penalty, weights - step)
            if lower <= loss:
                break
            step /= 2
        else:
            break
        weights -= step
        gain, loss = loss - lower, lower
        if gain <= SMALL_STEP * len(design):
            break
    return weights


def _newton(design: Floats, correct: NDArray[np.bool_], penalty: Floats, weights: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
    slope = design.T @ (chance - correct) + penalty * weights
    curvature = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(penalty)
    curvature[np.diag_indices_from(curvature)] += 1e-12 * len(design)
    return np.asarray(np.linalg.solve(curvature, slope), dtype=np.float64)


def _loss(design: Floats, correct: NDArray[np.bool_], penalty: Floats, weights: Floats) -> float:
    logits = design @ weights
    return float(np.logaddexp(0, np.where(correct, -logits, logits)).sum() + (penalty * weights**2).sum() / 2)
