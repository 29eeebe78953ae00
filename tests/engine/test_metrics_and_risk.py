"""Metrics and thresholds against hand-worked values, scikit-learn, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from reason import metrics
from reason.risk import certify, upper_bound


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


def test_risk_coverage_accepts_ties_together() -> None:
    coverage, risk = metrics.risk_coverage(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, False, True, False]))
    assert coverage.tolist() == [0.25, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 1 / 3, 1 / 2])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60), st.randoms())
def test_metrics_do_not_depend_on_order(rows: list[tuple[int, bool]], random: object) -> None:
    shuffled = sorted(rows, key=lambda _: random.random())  # type: ignore[attr-defined]
    curves = []
    for version in (rows, shuffled):
        scores, correct = (np.array(column) for column in zip(*version, strict=True))
        curves.append(metrics.risk_coverage(scores, correct.astype(bool)))
    np.testing.assert_allclose(curves[0], curves[1])


def test_bootstrap_interval_of_equal_scores_is_zero_and_of_better_ones_excludes_it() -> None:
    random = np.random.default_rng(0)
    correct = random.random(600) < 0.8
    good = correct + random.normal(0, 0.7, 600)
    poor = correct + random.normal(0, 3.0, 600)
    assert metrics.paired_bootstrap(good, good, correct, draws=50) == (0, 0)
    low, high = metrics.paired_bootstrap(good, poor, correct, draws=200)
    assert 0 < low < metrics.auroc(good, correct) - metrics.auroc(poor, correct) < high


@pytest.mark.parametrize(("errors", "n"), [(0, 59), (3, 100), (17, 400)])
def test_upper_bound_leaves_delta_below(errors: int, n: int) -> None:
    bound = upper_bound(errors, n, 0.05)
    assert binom.cdf(errors, n, bound) == pytest.approx(0.05)


def test_upper_bound_by_hand() -> None:
    assert upper_bound(0, 59, 0.05) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert upper_bound(0, 0, 0.05) == 1
    assert upper_bound(5, 5, 0.05) == 1


def draw(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return reliabilities and outcomes that are calibrated but for a floor of hard errors."""
    reliability = random.beta(4, 1, n)
    return reliability, random.random(n) < reliability * 0.98


def test_the_promise_is_kept_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    risk, delta, runs = 0.15, 0.1, 400
    population = draw(random, 200_000)
    broken = promised = 0
    for _ in range(runs):
        promise = certify(*draw(random, 500), risk, delta)
        if promise is None:
            continue
        promised += 1
        accepted = population[0] >= promise.threshold
        broken += (~population[1][accepted]).mean() > risk
    assert promised > runs * 0.9
    # 1.6 standard errors of slack for a share of delta seen in so many runs.
    assert broken / runs <= delta + 1.6 * np.sqrt(delta * (1 - delta) / runs)


def test_the_certificate_says_what_was_counted() -> None:
    reliability, correct = draw(np.random.default_rng(2), 800)
    promise = certify(reliability, correct, risk=0.15, delta=0.05)
    assert promise is not None
    accepted = reliability >= promise.threshold
    certificate = promise.certificate
    assert certificate.n == 800
    assert certificate.coverage == pytest.approx(accepted.mean())
    assert certificate.bound == pytest.approx(upper_bound(int((~correct[accepted]).sum()), int(accepted.sum()), 0.05))
    assert certificate.bound <= certificate.risk


def test_no_promise_when_none_can_be_made() -> None:
    random = np.random.default_rng(3)
    assert certify(random.random(300), random.random(300) < 0.5, risk=0.05, delta=0.05) is None
    assert certify(np.ones(10), np.ones(10, dtype=bool), risk=0.05, delta=0.05) is None
