"""How well a score ranks correct predictions above wrong ones; ``docs/metrics.md`` explains the conventions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from reason.errors import MetricError
from reason.metrics.ties import Counts, Groups, Tally, Values

KEPT_PERCENT = 95
"""Share of the right predictions that FPR@95TPR keeps, in percent."""


class RankingMetric:
    """A metric ``metric(scores, correct)`` that needs no more than the tally of equal scores.

    ``formula`` is the same metric of a tally: the bootstrap sorts once and then only counts anew.
    """

    def __init__(self, formula: Callable[[Tally], float]) -> None:
        self.formula = formula
        functools.update_wrapper(self, formula)

    def __call__(self, scores: ArrayLike, correct: ArrayLike) -> float:
        """Return the metric of scores ``[n]`` (larger = more trustworthy) and bool outcomes ``[n]``.

        Raises:
            MetricError: there are no predictions, the lengths differ, an outcome is not bool, or a score is NaN.
        """
        return float(self.formula(Groups(scores, correct).tally()))


@RankingMetric
def auroc(tally: Tally) -> float:
    """Return the chance that a correct prediction outranks a wrong one, ties counting half, in [0, 1].

    Taking failures as positive and the negated score gives the same number (AUROC_f). NaN when one outcome is missing.
    """
    right, wrong = tally.right, tally.wrong
    if not tally.errors or tally.errors == tally.size:
        return math.nan
    below = tally.errors - np.cumsum(wrong)
    won = (right * (below + wrong / 2)).sum()
    return float(won / (right.sum() * wrong.sum()))


@RankingMetric
def ap_success(tally: Tally) -> float:
    """Return the average precision with correct predictions as positives, in [0, 1]; larger is better.

    Equal scores are accepted together, as in scikit-learn. NaN when no prediction is right.
    """
    return _average_precision(tally.right, tally.wrong)


@RankingMetric
def ap_error(tally: Tally) -> float:
    """Return the average precision of the negated score with wrong predictions as positives, in [0, 1].

    Larger is better. Equal scores are taken together, as in scikit-learn. NaN when no prediction is wrong.
    """
    return _average_precision(tally.wrong[::-1], tally.right[::-1])


def _average_precision(positive: Counts, negative: Counts) -> float:
    total = positive.sum()
    if not total:
        return math.nan
    found, taken = np.cumsum(positive), np.cumsum(positive + negative)
    # Resampling can leave the first groups empty; they add nothing.
    return float((positive * found / np.maximum(taken, 1)).sum() / total)


@RankingMetric
def fpr_at_95_tpr(tally: Tally) -> float:
    """Return the share of wrong predictions accepted where at least 95% of the right ones are, in [0, 1].

    Smaller is better. The threshold is the strictest that keeps so many; it takes equal scores together. NaN when one
    outcome is missing.
    """
    right, wrong = np.cumsum(tally.right), np.cumsum(tally.wrong)
    if not right[-1] or not wrong[-1]:
        return math.nan
    # In whole numbers, since 0.95 times a count is not exact.
    enough = right * 100 >= KEPT_PERCENT * right[-1]
    return float(wrong[np.argmax(enough)] / wrong[-1])


@RankingMetric
def aurc(tally: Tally) -> float:
    """Return the area under the risk-coverage curve, in [0, 1]; smaller is better (Geifman & El-Yaniv 2017).

    With n predictions it is ``1/n sum_k errors(k) / k``, where ``errors(k)`` counts the wrong ones among the k most
    trusted; within equal scores it is the mean over random orders.
    """
    accepted, errors = tally.curve()
    first = np.arange(1, tally.size + 1)
    return float(np.mean(np.interp(first, accepted, errors) / first))


@RankingMetric
def e_aurc(tally: Tally) -> float:
    """Return AURC minus that of a perfect ranking of the same predictions, >= 0; smaller is better (Geifman 2019).

    The perfect ranking's AURC is taken for the n at hand; with error rate e it tends to ``e + (1 - e) ln(1 - e)``.
    """
    errors = tally.errors
    perfect = Tally(np.array([tally.size - errors, 0]), np.array([0, errors]))
    # Rounding must not make a perfect ranking look better than perfect.
    return max(aurc.formula(tally) - aurc.formula(perfect), 0.0)


@RankingMetric
def augrc(tally: Tally) -> float:
    """Return the area under the generalised risk-coverage curve, in [0, 1/2]; smaller is better (Traub et al. 2024).

    The generalised risk is the share of all n that is both accepted and wrong; the area is that of straight lines
    between the points of the curve from coverage 0 on. With error rate e it equals
    ``(1 - AUROC_f) e (1 - e) + e^2 / 2`` for any n and any ties.
    """
    accepted, errors = tally.curve()
    return float(np.trapezoid(errors, accepted) / tally.size**2)


def risk_coverage(scores: ArrayLike, correct: ArrayLike) -> tuple[Values, Values]:
    """Return coverage and selective risk when images are accepted from the highest score down.

    Images of equal score are accepted together, so the result does not depend on their order.

    Returns:
        ``(coverage, risk)``, one point a distinct score, coverage rising to 1.

    Raises:
        MetricError: there are no predictions, the lengths differ, an outcome is not bool, or a score is NaN.
    """
    return _risk_coverage(Groups(scores, correct).tally())


def _risk_coverage(tally: Tally) -> tuple[Values, Values]:
    accepted, errors = (points[1:] for points in tally.curve())
    return accepted / tally.size, errors / accepted


def risk_at_coverage(scores: ArrayLike, correct: ArrayLike, coverage: float) -> float:
    """Return the error rate among the most trusted share of the predictions, in [0, 1]; smaller is better.

    The fewest predictions that make up the share are accepted; where that cuts through equal scores, it is the mean
    over random orders.

    Args:
        scores: ``[n]``, larger = more trustworthy.
        correct: bool ``[n]``.
        coverage: share to accept, in (0, 1].

    Raises:
        MetricError: the coverage is out of range, or the arrays are as ``risk_coverage`` refuses them.
    """
    if not 0 < coverage <= 1:
        raise MetricError(f"coverage must be in (0, 1], not {coverage}.")
    return _risk_at_coverage(Groups(scores, correct).tally(), coverage)


def _risk_at_coverage(tally: Tally, coverage: float) -> float:
    # A product such as 0.7 * 10 can come out just above the whole number that it stands for.
    count = max(math.ceil(coverage * tally.size - 1e-9), 1)
    return float(np.interp(count, *tally.curve()) / count)


def coverage_at_risk(scores: ArrayLike, correct: ArrayLike, risk: float) -> float:
    """Return the largest share that a threshold can accept with an error rate of at most ``risk``, in [0, 1].

    Larger is better. A threshold takes equal scores together. 0 when every threshold accepts too many errors.

    Args:
        scores: ``[n]``, larger = more trustworthy.
        correct: bool ``[n]``.
        risk: allowed error rate among the accepted, in [0, 1].

    Raises:
        MetricError: the risk is out of range, or the arrays are as ``risk_coverage`` refuses them.
    """
    if not 0 <= risk <= 1:
        raise MetricError(f"risk must be in [0, 1], not {risk}.")
    return _coverage_at_risk(Groups(scores, correct).tally(), risk)


def _coverage_at_risk(tally: Tally, risk: float) -> float:
    coverage, risks = _risk_coverage(tally)
    return float(coverage[risks <= risk].max(initial=0.0))


def report(scores: ArrayLike, correct: ArrayLike) -> dict[str, float]:
    """Return every ranking metric by name, for scores ``[n]`` (larger = more trustworthy) and bool outcomes ``[n]``.

    Raises:
        MetricError: as ``risk_coverage`` says.
    """
    tally = Groups(scores, correct).tally()
    areas = (auroc, ap_success, ap_error, fpr_at_95_tpr, aurc, e_aurc, augrc)
    return (
        {metric.formula.__name__: metric.formula(tally) for metric in areas}
        | {f"risk_at_{percent}_coverage": _risk_at_coverage(tally, percent / 100) for percent in (50, 80, 90)}
        | {f"coverage_at_{percent}_risk": _coverage_at_risk(tally, percent / 100) for percent in (1, 2, 5)}
    )
