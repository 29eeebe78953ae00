"""Scores turned into groups of equal score, so that no metric depends on the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reason.errors import MetricError

Counts = NDArray[np.int64]
Values = NDArray[np.float64]
Outcomes = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many predictions are right and wrong at each distinct score, from the largest score down."""

    right: Counts
    """``[groups]``."""
    wrong: Counts
    """``[groups]``."""

    @property
    def size(self) -> int:
        """Number of predictions."""
        return int(self.right.sum() + self.wrong.sum())

    @property
    def errors(self) -> int:
        """Number of wrong predictions."""
        return int(self.wrong.sum())

    def curve(self) -> tuple[Counts, Counts]:
        """Return how many are accepted, and how many of them are wrong, after each group, from 0 on ``[groups + 1]``.

        Between two of these points a random order inside the group gives, in the mean, the straight line.
        """
        accepted, errors = np.cumsum(self.right + self.wrong), np.cumsum(self.wrong)
        return np.concatenate([[0], accepted]), np.concatenate([[0], errors])


class Groups:
    """The groups of equal score of one set of predictions.

    Args:
        scores: ``[n]``, larger = more trustworthy; compared in float64.
        correct: whether each prediction is right, bool ``[n]``.

    Raises:
        MetricError: there are no predictions, the lengths differ, an outcome is not bool, or a score is NaN.
    """

    def __init__(self, scores: ArrayLike, correct: ArrayLike) -> None:
        values, outcomes = checked(scores, correct)
        self._order = np.argsort(-values, kind="stable")
        ranked = values[self._order]
        # Unequal instead of a difference, which is NaN between two infinities.
        self._starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
        self._correct = outcomes[self._order].astype(np.int64)

    def tally(self, weights: Counts | None = None) -> Tally:
        """Count each group's outcomes; ``weights`` ``[n]`` says how often each prediction counts, once by default."""
        often = np.ones_like(self._correct) if weights is None else weights[self._order]
        right = np.add.reduceat(often * self._correct, self._starts)
        return Tally(right, np.add.reduceat(often, self._starts) - right)


def checked(scores: ArrayLike, correct: ArrayLike) -> tuple[Values, Outcomes]:
    """Return the scores in float64 and the outcomes, both ``[n]``.

    Raises:
        MetricError: as ``Groups`` says.
    """
    values, outcomes = np.asarray(scores, dtype=np.float64), np.asarray(correct)
    if values.ndim != 1 or values.shape != outcomes.shape:
        raise MetricError(
            f"a metric needs one score and one outcome a prediction, not shapes {values.shape} and {outcomes.shape}."
        )
    if outcomes.dtype != np.bool_:
        raise MetricError(f"outcomes must be bool, True where the prediction is right, not {outcomes.dtype}.")
    if not len(values):
        raise MetricError("a metric needs at least one prediction, and there is none.")
    missing = int(np.isnan(values).sum())
    if missing:
        raise MetricError(f"{missing} of {len(values)} scores are NaN and cannot be ranked; mend or drop them first.")
    return values, outcomes
