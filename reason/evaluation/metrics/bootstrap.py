"""How sure a difference between two scores is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from reason.evaluation.metrics.ranking import RankingMetric, auroc
from reason.evaluation.metrics.ties import Counts, Groups, checked

Metric = Callable[[ArrayLike, ArrayLike], float]
"""``metric(scores, correct)``."""


def paired_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    correct: ArrayLike,
    *,
    metric: Metric = auroc,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95% interval of ``metric(first) - metric(second)`` over resampled images.

    Both scores see the same resamples, so what they share cancels. Percentile interval (Efron & Tibshirani 1993).
    Resamples on which the metric is undefined (NaN) are left out.

    Args:
        first: scores ``[n]``, larger = more trustworthy.
        second: scores of the same predictions ``[n]``.
        correct: bool ``[n]``.
        metric: any metric of this package, or another function of scores and outcomes; a ``RankingMetric`` is fast.
        draws: number of resamples.
        seed: seed of the resamples.

    Returns:
        ``(low, high)``; NaN both when the metric is undefined on every resample.

    Raises:
        MetricError: there are no predictions, the lengths differ, an outcome is not bool, or a score is NaN.
    """
    one, two = _resampled(first, correct, metric), _resampled(second, correct, metric)
    n = len(checked(first, correct)[0])
    random = np.random.default_rng(seed)
    rows = (random.integers(0, n, n) for _ in range(draws))
    weights = (np.bincount(drawn, minlength=n) for drawn in rows)
    differences = np.array([one(often) - two(often) for often in weights])
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


def _resampled(scores: ArrayLike, correct: ArrayLike, metric: Metric) -> Callable[[Counts], float]:
    """Return the metric as a function of how often each prediction was drawn ``[n]``."""
    values, outcomes = checked(scores, correct)
    if isinstance(metric, RankingMetric):
        groups, formula = Groups(values, outcomes), metric.formula
        return lambda often: formula(groups.tally(often))

    def repeated(often: Counts) -> float:
        rows = np.repeat(np.arange(len(values)), often)
        return metric(values[rows], outcomes[rows])

    return repeated
