"""How sure a difference between two scores is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from reason.metrics.ranking import RankingMetric, auroc
from reason.metrics.ties import Counts, Groups, Values, checked

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
    if isinstance(metric, RankingMetric):
        ((one, two),) = resampled((first, second), correct, (metric,), draws=draws, seed=seed)
    else:
        one, two = (_repeated(scores, correct, metric, draws, seed) for scores in (first, second))
    return interval_95(one - two)


def resampled(
    scores: Sequence[ArrayLike],
    correct: ArrayLike,
    metrics: Sequence[RankingMetric],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[tuple[Values, ...], ...]:
    """Return metrics of several scores over the same resampled images.

    Args:
        scores: each ``[n]``, larger = more trustworthy, of the same predictions.
        correct: bool ``[n]``.
        metrics: what is measured; each score is sorted once for all of them.
        draws: number of resamples.
        seed: seed of the resamples.

    Returns:
        For each metric, for each score, the metric of each resample ``[draws]``; NaN where it is undefined.

    Raises:
        MetricError: there are no predictions, the lengths differ, an outcome is not bool, or a score is NaN.
    """
    groups = [Groups(score, correct) for score in scores]
    found = np.empty((len(metrics), len(scores), draws))
    for draw, often in enumerate(_weights(len(np.asarray(correct)), draws, seed)):
        for place, group in enumerate(groups):
            tally = group.tally(often)
            found[:, place, draw] = [metric.formula(tally) for metric in metrics]
    return tuple(tuple(of_score) for of_score in found)


def interval_95(differences: Values) -> tuple[float, float]:
    """Return the percentile interval of differences over resamples ``[draws]``; NaN both when none is defined."""
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


def _repeated(scores: ArrayLike, correct: ArrayLike, metric: Metric, draws: int, seed: int) -> Values:
    """Return any metric of each resample ``[draws]``, each image repeated as often as it was drawn."""
    values, outcomes = checked(scores, correct)
    rows = (np.repeat(np.arange(len(values)), often) for often in _weights(len(values), draws, seed))
    return np.array([metric(values[drawn], outcomes[drawn]) for drawn in rows])


def _weights(n: int, draws: int, seed: int) -> Iterator[Counts]:
    """Yield how often each prediction is drawn ``[n]``, once a resample."""
    random = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(random.integers(0, n, n), minlength=n)
