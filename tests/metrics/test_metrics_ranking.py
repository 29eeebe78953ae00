"""The ranking metrics against their definitions in exact fractions, scikit-learn, and values worked out by hand."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from reason import metrics
from reason.errors import MetricError

Rows = list[tuple[int, bool]]
few_rows = st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=5)
many_rows = st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=1, max_size=80)


def columns(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in rows], dtype=float), np.array([right for _, right in rows])


def orders(rows: Rows) -> Iterator[list[bool]]:
    """Yield the outcomes in every order that the scores allow, the most trusted first."""
    groups = [
        [right for score, right in rows if score == value] for value in sorted({s for s, _ in rows}, reverse=True)
    ]
    for parts in itertools.product(*(itertools.permutations(group) for group in groups)):
        yield [right for part in parts for right in part]


def mean_over_orders(rows: Rows, value: Callable[[list[bool]], Fraction]) -> float:
    values = [value(order) for order in orders(rows)]
    return float(sum(values, Fraction(0)) / len(values))


def risk_of_first(k: int, order: list[bool]) -> Fraction:
    """Share of errors among the first k."""
    return Fraction(order[:k].count(False), k)


def area(order: list[bool]) -> Fraction:
    """AURC of one order: the mean of the error rates among the first k."""
    return sum((Fraction(order[:k].count(False), k) for k in range(1, len(order) + 1)), Fraction(0)) / len(order)


def generalised_area(order: list[bool]) -> Fraction:
    """AUGRC of one order: trapezia under the share that is accepted and wrong."""
    n = len(order)
    shares = [Fraction(order[:k].count(False), n) for k in range(n + 1)]
    return sum(((one + two) / 2 for one, two in itertools.pairwise(shares)), Fraction(0)) / n


def test_auroc_by_hand_with_a_tie() -> None:
    # Pairs (right, wrong): .9>.8, .9>.1, .5<.8, .5>.1, and the tie .8=.8 counts half, .8>.1: 4.5 of 6.
    scores = np.array([0.9, 0.5, 0.8, 0.8, 0.1])
    correct = np.array([True, True, True, False, False])
    assert metrics.auroc(scores, correct) == pytest.approx(4.5 / 6)
    assert metrics.auroc(-scores, correct) == pytest.approx(1.5 / 6)


def test_average_precision_by_hand() -> None:
    scores, correct = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])
    assert metrics.ap_success(scores, correct) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.ap_error(scores, correct) == pytest.approx((1 + 2 / 3) / 2)


def test_risk_coverage_accepts_ties_together() -> None:
    coverage, risk = metrics.risk_coverage(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, False, True, False]))
    assert coverage.tolist() == [0.25, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 1 / 3, 1 / 2])


@settings(max_examples=60, deadline=None)
@given(few_rows)
def test_areas_are_the_mean_over_the_orders_of_equal_scores(rows: Rows) -> None:
    scores, correct = columns(rows)
    n, errors = len(rows), int((~correct).sum())
    assert metrics.aurc(scores, correct) == pytest.approx(mean_over_orders(rows, area))
    assert metrics.augrc(scores, correct) == pytest.approx(mean_over_orders(rows, generalised_area))
    perfect = float(area([True] * (n - errors) + [False] * errors))
    assert metrics.e_aurc(scores, correct) == pytest.approx(mean_over_orders(rows, area) - perfect)
    for k in range(1, n + 1):
        expected = mean_over_orders(rows, functools.partial(risk_of_first, k))
        assert metrics.risk_at_coverage(scores, correct, k / n) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(many_rows)
def test_threshold_metrics_by_definition(rows: Rows) -> None:
    scores, correct = columns(rows)
    accepted = [scores >= threshold for threshold in sorted(set(scores), reverse=True)]
    risks = [Fraction(int((~correct[mask]).sum()), int(mask.sum())) for mask in accepted]
    for percent in (0, 5, 20, 50, 100):
        fitting = [mask.mean() for mask, risk in zip(accepted, risks, strict=True) if risk <= Fraction(percent, 100)]
        assert metrics.coverage_at_risk(scores, correct, percent / 100) == pytest.approx(max(fitting, default=0))
    if correct.any() and not correct.all():
        keeping = [
            mask for mask in accepted if Fraction(int(mask[correct].sum()), int(correct.sum())) >= Fraction(95, 100)
        ]
        assert metrics.fpr_at_95_tpr(scores, correct) == pytest.approx(min(mask[~correct].mean() for mask in keeping))


@settings(max_examples=100, deadline=None)
@given(many_rows)
def test_augrc_and_auroc_are_tied_by_the_error_rate(rows: Rows) -> None:
    scores, correct = columns(rows)
    e = float((~correct).mean())
    unranked = 0.0 if e in (0, 1) else (1 - metrics.auroc(scores, correct)) * e * (1 - e)
    assert metrics.augrc(scores, correct) == pytest.approx(unranked + e**2 / 2)


@pytest.mark.parametrize("values", [3, 50, 10**9])
def test_agreement_with_scikit_learn(values: int) -> None:
    random = np.random.default_rng(values)
    scores = random.integers(0, values, 800) / values
    correct = random.random(800) < 0.3 + 0.6 * scores
    assert metrics.auroc(scores, correct) == pytest.approx(roc_auc_score(correct, scores))
    assert metrics.ap_success(scores, correct) == pytest.approx(average_precision_score(correct, scores))
    assert metrics.ap_error(scores, correct) == pytest.approx(average_precision_score(~correct, -scores))
    false_rate, true_rate, _ = roc_curve(correct, scores, drop_intermediate=False)
    assert metrics.fpr_at_95_tpr(scores, correct) == pytest.approx(false_rate[true_rate >= 0.95].min())


@pytest.mark.parametrize("e", [0.02, 0.3, 0.9])
def test_a_perfect_ranking_has_the_optimal_area(e: float) -> None:
    n = 200_000
    correct = np.arange(n) >= e * n
    scores = np.arange(n, dtype=float)
    assert metrics.aurc(scores, correct) == pytest.approx(e + (1 - e) * math.log(1 - e), rel=1e-3)
    assert metrics.e_aurc(scores, correct) == 0
    assert metrics.augrc(scores, correct) == pytest.approx(e**2 / 2)
    assert metrics.auroc(scores, correct) == 1


@settings(max_examples=60, deadline=None)
@given(many_rows, st.randoms())
def test_neither_row_order_nor_a_monotone_transform_changes_anything(rows: Rows, random: object) -> None:
    report = metrics.report(*columns(rows))
    shuffled = sorted(rows, key=lambda _: random.random())  # type: ignore[attr-defined]
    scores, correct = columns(shuffled)
    for version in (scores, np.exp(scores / 7), 3 * scores - 1e3, np.arctan(scores)):
        assert metrics.report(version, correct) == pytest.approx(report, nan_ok=True)
        np.testing.assert_allclose(metrics.risk_coverage(version, correct), metrics.risk_coverage(*columns(rows)))
    assert all(0 <= value <= 1 for value in report.values() if not math.isnan(value))


def test_report_says_what_the_functions_say() -> None:
    random = np.random.default_rng(0)
    scores = random.random(300)
    correct = random.random(300) < scores
    report = metrics.report(scores, correct)
    assert list(report)[:4] == ["auroc", "ap_success", "ap_error", "fpr_at_95_tpr"]
    for name in ("auroc", "ap_success", "ap_error", "fpr_at_95_tpr", "aurc", "e_aurc", "augrc"):
        assert report[name] == getattr(metrics, name)(scores, correct)
    assert report["risk_at_80_coverage"] == metrics.risk_at_coverage(scores, correct, 0.8)
    assert report["coverage_at_5_risk"] == metrics.coverage_at_risk(scores, correct, 0.05)


RANKED = np.array([0.9, 0.6, 0.6, 0.1])
CONSTANT = np.full(4, 0.7)
NONE, ALL, HALF = np.ones(4, bool), np.zeros(4, bool), np.array([True, False, True, False])
UNDEFINED = math.nan


@pytest.mark.parametrize(
    ("scores", "correct", "expected"),
    [
        (RANKED, NONE, {"auroc": UNDEFINED, "ap_success": 1, "ap_error": UNDEFINED, "fpr_at_95_tpr": UNDEFINED}),
        (RANKED, NONE, {"aurc": 0, "e_aurc": 0, "augrc": 0, "risk_at_80_coverage": 0, "coverage_at_1_risk": 1}),
        (RANKED, ALL, {"auroc": UNDEFINED, "ap_success": UNDEFINED, "ap_error": 1, "fpr_at_95_tpr": UNDEFINED}),
        (RANKED, ALL, {"aurc": 1, "e_aurc": 0, "augrc": 0.5, "risk_at_80_coverage": 1, "coverage_at_5_risk": 0}),
        (CONSTANT, HALF, {"auroc": 0.5, "ap_success": 0.5, "ap_error": 0.5, "fpr_at_95_tpr": 1}),
        # A perfect ranking: (0 + 0 + 1/3 + 2/4) / 4 = 5/24.
        (CONSTANT, HALF, {"aurc": 0.5, "e_aurc": 0.5 - 5 / 24, "augrc": 0.25, "coverage_at_5_risk": 0}),
        (RANKED[:1], NONE[:1], {"aurc": 0, "augrc": 0, "auroc": UNDEFINED}),
    ],
)
def test_degenerate_input_has_a_defined_answer(
    scores: np.ndarray, correct: np.ndarray, expected: dict[str, float]
) -> None:
    report = metrics.report(scores, correct)
    assert {name: report[name] for name in expected} == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("scores", "correct", "sentence"),
    [
        ([], np.array([], dtype=bool), "at least one prediction"),
        ([0.1, 0.2], np.array([True]), "one score and one outcome"),
        (np.zeros((2, 2)), np.ones((2, 2), bool), "one score and one outcome"),
        ([0.1, math.nan, 0.2, math.nan], HALF, "2 of 4 scores are NaN"),
        (RANKED, [1, 0, 1, 0], "must be bool"),
    ],
)
def test_what_cannot_be_ranked_is_one_sentence(scores: Any, correct: Any, sentence: str) -> None:
    for metric in (metrics.auroc, metrics.aurc, metrics.report, metrics.risk_coverage, metrics.brier, metrics.ece):
        with pytest.raises(MetricError, match=sentence):
            metric(scores, correct)
    with pytest.raises(MetricError, match=sentence):
        metrics.paired_bootstrap(scores, scores, correct)


def test_shares_out_of_range_are_one_sentence() -> None:
    with pytest.raises(MetricError, match="coverage must be in"):
        metrics.risk_at_coverage(RANKED, HALF, 0)
    with pytest.raises(MetricError, match="risk must be in"):
        metrics.coverage_at_risk(RANKED, HALF, 1.5)


def test_scores_are_ranked_in_double_precision_and_may_be_infinite() -> None:
    correct = np.array([True, False, True, False])
    assert metrics.auroc(np.array([1 - 1e-12, 1 - 1e-11, math.inf, -math.inf]), correct) == 1
    # In single precision the first two are both 1, and tie.
    assert metrics.auroc(np.array([1 - 1e-12, 1 - 1e-11, 2, 0], dtype=np.float32), correct) == 0.875


def test_coverage_that_is_not_a_whole_count_is_rounded_up() -> None:
    scores, correct = np.arange(10.0), np.arange(10) != 3
    # 0.7 * 10 is just above 7 in floating point; the seventh most trusted is the wrong one.
    assert metrics.risk_at_coverage(scores, correct, 0.7) == pytest.approx(1 / 7)
    assert metrics.risk_at_coverage(scores, correct, 0.61) == pytest.approx(1 / 7)
    assert metrics.risk_at_coverage(scores, correct, 0.6) == 0
