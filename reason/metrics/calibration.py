"""How well a stated probability of being correct is calibrated, and how good the accepted predictions are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from reason.errors import MetricError
from reason.metrics.ties import Outcomes, Values, checked


def brier(probabilities: ArrayLike, correct: ArrayLike) -> float:
    """Return the mean squared difference between probability and outcome, in [0, 1]; smaller is better (Brier 1950).

    Raises:
        MetricError: as ``ece`` says.
    """
    stated, outcomes = _probabilities(probabilities, correct)
    return float(np.mean((stated - outcomes) ** 2))


def nll(probabilities: ArrayLike, correct: ArrayLike) -> float:
    """Return the mean negative log-likelihood of the outcomes in nats, >= 0; smaller is better.

    Probabilities are kept one float64 rounding step (2.2e-16) away from 0 and 1, so a certainty that proves wrong
    costs 36 nats and not infinitely many.

    Raises:
        MetricError: as ``ece`` says.
    """
    stated, outcomes = _probabilities(probabilities, correct)
    step = np.finfo(np.float64).eps
    return float(-np.mean(np.log(np.clip(np.where(outcomes, stated, 1 - stated), step, 1 - step))))


def ece(probabilities: ArrayLike, correct: ArrayLike, bins: int = 15) -> float:
    """Return the expected calibration error over equal-mass bins, in [0, 1]; smaller is better.

    Images are sorted by probability and cut into ``bins`` runs of (almost) equal length; the error is the mean,
    weighted by length, of the absolute difference between mean probability and accuracy (Nixon et al. 2019). Where a
    cut runs through equal probabilities, each side gets its share of their outcomes.

    Raises:
        MetricError: a probability is outside [0, 1] or NaN, an outcome is not bool, there are no predictions, the
            lengths differ, or there is no bin.
    """
    stated, outcomes = _probabilities(probabilities, correct)
    if bins < 1:
        raise MetricError(f"the calibration error needs at least one bin, not {bins}.")
    values, counts = np.unique(stated, return_counts=True)
    hits = np.bincount(np.searchsorted(values, stated), weights=outcomes)
    gaps, ends = np.cumsum(counts * values - hits), np.cumsum(counts)
    longer = len(stated) % bins
    lengths = np.full(bins, len(stated) // bins) + (np.arange(bins) < longer)
    # The sum of the gaps from the lowest probability up to each cut; between groups it is a straight line.
    at_cuts = np.interp(np.append(0, np.cumsum(lengths)), np.append(0, ends), np.append(0.0, gaps))
    return float(np.abs(np.diff(at_cuts)).sum() / len(stated))


def accepted_accuracy(scores: ArrayLike, correct: ArrayLike, threshold: float) -> float:
    """Return the share of right predictions among those with a score of at least ``threshold``, in [0, 1].

    Larger is better. NaN when nothing is accepted.

    Raises:
        MetricError: there are no predictions, the lengths differ, an outcome is not bool, or a score is NaN.
    """
    values, outcomes = checked(scores, correct)
    accepted = values >= threshold
    return float(outcomes[accepted].mean()) if accepted.any() else math.nan


def _probabilities(probabilities: ArrayLike, correct: ArrayLike) -> tuple[Values, Outcomes]:
    stated, outcomes = checked(probabilities, correct)
    low, high = float(stated.min()), float(stated.max())
    if low < 0 or high > 1:
        raise MetricError(f"probabilities must lie in [0, 1], not between {low:g} and {high:g}.")
    return stated, outcomes
