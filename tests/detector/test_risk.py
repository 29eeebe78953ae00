"""Thresholds and their guarantee against hand-worked values and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from reason.detector.risk import certify, upper_bound


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


def test_the_guarantee_is_kept_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    risk, delta, runs = 0.15, 0.1, 400
    population = draw(random, 200_000)
    broken = guaranteed = 0
    for _ in range(runs):
        guarantee = certify(*draw(random, 500), risk, delta)
        if guarantee is None:
            continue
        guaranteed += 1
        accepted = population[0] >= guarantee.threshold
        broken += (~population[1][accepted]).mean() > risk
    assert guaranteed > runs * 0.9
    # 1.6 standard errors of slack for a share of delta seen in so many runs.
    assert broken / runs <= delta + 1.6 * np.sqrt(delta * (1 - delta) / runs)


def test_the_certificate_says_what_was_counted() -> None:
    reliability, correct = draw(np.random.default_rng(2), 800)
    guarantee = certify(reliability, correct, risk=0.15, delta=0.05)
    assert guarantee is not None
    accepted = reliability >= guarantee.threshold
    certificate = guarantee.certificate
    assert certificate.n == 800
    assert certificate.coverage == pytest.approx(accepted.mean())
    assert certificate.bound == pytest.approx(upper_bound(int((~correct[accepted]).sum()), int(accepted.sum()), 0.05))
    assert certificate.bound <= certificate.risk


def test_no_guarantee_when_none_can_be_made() -> None:
    random = np.random.default_rng(3)
    assert certify(random.random(300), random.random(300) < 0.5, risk=0.05, delta=0.05) is None
    assert certify(np.ones(10), np.ones(10, dtype=bool), risk=0.05, delta=0.05) is None
