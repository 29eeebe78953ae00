"""Calibration and likelihood metrics, and the bootstrap, against hand-worked values and other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap
from sklearn.metrics import brier_score_loss, log_loss

from reason import metrics
from reason.errors import MetricError

probability_rows = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=60)


def test_ece_and_brier_by_hand() -> None:
    probabilities = np.array([0.9, 0.8, 0.3, 0.2])
    correct = np.array([True, False, False, True])
    # Two bins: stated (.2 + .3) against 1 right, stated (.8 + .9) against 1 right.
    assert metrics.ece(probabilities, correct, bins=2) == pytest.approx((0.5 + 0.7) / 4)
    assert metrics.brier(probabilities, correct) == pytest.approx((0.01 + 0.64 + 0.09 + 0.64) / 4)


def test_a_calibrated_probability_has_small_ece() -> None:
    random = np.random.default_rng(0)
    probabilities = random.random(20_000)
    correct = random.random(20_000) < probabilities
    assert metrics.ece(probabilities, correct) < 0.015
    assert metrics.ece(probabilities**3, correct) > 0.1


def test_brier_and_nll_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    probabilities = random.random(500)
    correct = random.random(500) < probabilities
    assert metrics.brier(probabilities, correct) == pytest.approx(brier_score_loss(correct, probabilities))
    assert metrics.nll(probabilities, correct) == pytest.approx(log_loss(correct, probabilities))


def test_a_wrong_certainty_costs_36_nats() -> None:
    assert metrics.nll(np.array([1.0, 0.0]), np.array([True, False])) == pytest.approx(0, abs=1e-15)
    assert metrics.nll(np.array([1.0]), np.array([False])) == pytest.approx(52 * math.log(2))


@pytest.mark.parametrize("bins", [1, 4, 15, 100])
def test_ece_of_a_constant_is_its_distance_from_the_accuracy(bins: int) -> None:
    # Sorted by outcome, a cut by rows would see bins that are all right or all wrong.
    assert metrics.ece(np.full(20, 0.9), np.arange(20) < 12, bins=bins) == pytest.approx(0.3)


def test_ece_shares_a_cut_group_by_hand() -> None:
    # The cut after three of six halves the four at 0.5, three of them right: 1.5 on each side.
    probabilities = np.array([0.1, 0.5, 0.5, 0.5, 0.5, 0.8])
    correct = np.array([False, True, True, True, False, True])
    below, above = abs(0.1 + 1.0 - 1.5), abs(1.0 + 0.8 - 2.5)
    assert metrics.ece(probabilities, correct, bins=2) == pytest.approx((below + above) / 6)


@settings(max_examples=60, deadline=None)
@given(probability_rows, st.integers(1, 20), st.randoms())
def test_ece_does_not_depend_on_row_order(rows: list[tuple[int, bool]], bins: int, random: object) -> None:
    found = []
    for version in (rows, sorted(rows, key=lambda _: random.random())):  # type: ignore[attr-defined]
        stated, correct = (np.array(column) for column in zip(*version, strict=True))
        found.append(metrics.ece(stated / 10, correct, bins))
    assert found[0] == pytest.approx(found[1])
    assert 0 <= found[0] <= 1


def test_ece_agrees_with_cutting_rows_where_nothing_ties() -> None:
    random = np.random.default_rng(1)
    probabilities = random.random(1003)
    correct = random.random(1003) < probabilities**2
    parts = np.array_split(np.argsort(probabilities), 15)
    gaps = [abs((probabilities[part] - correct[part]).sum()) for part in parts]
    assert metrics.ece(probabilities, correct) == pytest.approx(sum(gaps) / 1003)


def test_accuracy_of_the_accepted() -> None:
    scores, correct = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, False, True, False])
    assert metrics.accepted_accuracy(scores, correct, 0.5) == pytest.approx(2 / 3)
    assert math.isnan(metrics.accepted_accuracy(scores, correct, 0.95))


@pytest.mark.parametrize("metric", [metrics.brier, metrics.nll, metrics.ece])
def test_probabilities_out_of_range_are_one_sentence(metric: object) -> None:
    with pytest.raises(MetricError, match=r"probabilities must lie in \[0, 1\], not between -0.5 and 2"):
        metric(np.array([-0.5, 2.0]), np.array([True, False]))  # type: ignore[operator]
    with pytest.raises(MetricError, match="at least one bin"):
        metrics.ece(np.array([0.5]), np.array([True]), bins=0)


def test_bootstrap_interval_of_equal_scores_is_zero_and_of_better_ones_excludes_it() -> None:
    random = np.random.default_rng(0)
    correct = random.random(600) < 0.8
    good = correct + random.normal(0, 0.7, 600)
    poor = correct + random.normal(0, 3.0, 600)
    assert metrics.paired_bootstrap(good, good, correct, draws=50) == (0, 0)
    low, high = metrics.paired_bootstrap(good, poor, correct, draws=200)
    assert 0 < low < metrics.auroc(good, correct) - metrics.auroc(poor, correct) < high


def scored(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a good score, a poor one that ties, and outcomes."""
    random = np.random.default_rng(2)
    correct = random.random(n) < 0.8
    return correct + random.normal(0, 0.7, n), np.round(correct + random.normal(0, 2, n), 1), correct


@pytest.mark.parametrize("name", ["auroc", "ap_success", "ap_error", "fpr_at_95_tpr", "aurc", "e_aurc", "augrc"])
def test_counting_anew_equals_drawing_the_rows(name: str) -> None:
    good, poor, correct = scored(120)
    metric = getattr(metrics, name)
    by_rows = metrics.paired_bootstrap(good, poor, correct, metric=lambda s, c: metric(s, c), draws=40)
    assert metrics.paired_bootstrap(good, poor, correct, metric=metric, draws=40) == pytest.approx(by_rows)


def test_the_interval_is_that_of_scipy() -> None:
    good, poor, correct = scored(400)

    def difference(one: np.ndarray, two: np.ndarray, right: np.ndarray) -> float:
        return metrics.augrc(one, right == 1) - metrics.augrc(two, right == 1)

    theirs = bootstrap(
        (good, poor, correct), difference, n_resamples=800, paired=True, vectorized=False, method="percentile", rng=0
    ).confidence_interval
    ours = metrics.paired_bootstrap(good, poor, correct, metric=metrics.augrc, draws=800)
    width = ours[1] - ours[0]
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.15 * width)


def test_any_function_of_scores_and_outcomes_can_be_compared() -> None:
    probabilities, correct = np.array([0.9, 0.8, 0.3, 0.2]), np.array([True, True, False, False])
    low, high = metrics.paired_bootstrap(probabilities, 1 - probabilities, correct, metric=metrics.brier, draws=50)
    assert low <= high < 0


def test_the_interval_of_an_undefined_metric_is_undefined() -> None:
    interval = metrics.paired_bootstrap(np.array([0.1, 0.2]), np.array([0.2, 0.1]), np.array([True, True]), draws=5)
    assert all(math.isnan(end) for end in interval)
