"""Promises of other risks from a calibration sample, against hand-worked values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reason.detector.risk import CalibrationSample, certify, upper_bound


def sample_of(*groups: tuple[float, int, int]) -> CalibrationSample:
    """Return a sample from groups of reliability, number right and number wrong."""
    reliability = np.repeat([group[0] for group in groups], [group[1] + group[2] for group in groups])
    correct = np.concatenate([np.arange(right + wrong) < right for _, right, wrong in groups])
    return CalibrationSample(reliability.astype(np.float32), correct)


TWO_GROUPS = sample_of((0.9, 400, 0), (0.5, 100, 50))


def test_the_loosest_threshold_that_keeps_the_risk_is_guaranteed() -> None:
    # Without an error among n, the bound is 1 - delta ** (1 / n); 50 errors among 550 are bounded by 0.115.
    strict, loose = TWO_GROUPS.guarantee(0.05, 0.05), TWO_GROUPS.guarantee(0.12, 0.05)
    assert strict is not None
    assert loose is not None
    assert strict.threshold == 0.501
    assert strict.certificate.coverage == pytest.approx(400 / 550)
    assert strict.certificate.bound == pytest.approx(1 - 0.05 ** (1 / 400))
    assert loose.threshold == 0.0
    assert loose.certificate.coverage == 1
    assert (strict.certificate.n, strict.certificate.risk, strict.certificate.delta) == (550, 0.05, 0.05)


def test_more_confidence_costs_coverage() -> None:
    sample = sample_of((0.9, 400, 2), (0.7, 200, 10), (0.5, 100, 50))
    guarantees = [sample.guarantee(0.03, delta) for delta in (0.4, 0.05, 0.0001)]
    assert [guarantee and guarantee.certificate.coverage for guarantee in guarantees] == [
        pytest.approx(612 / 762),
        pytest.approx(402 / 762),
        None,
    ]


def test_a_sample_guarantees_what_certify_says() -> None:
    assert TWO_GROUPS.guarantee(0.05, 0.1) == certify(TWO_GROUPS.reliability, TWO_GROUPS.correct, 0.05, 0.1)


def test_testing_stops_at_the_first_failure() -> None:
    # 20 errors among 200 fail; that 20 among 1,200 would pass again does not help.
    sample = sample_of((0.9, 180, 20), (0.5, 1000, 0))
    assert sample.guarantee(0.08, 0.05) is None
    assert float(upper_bound(20, 1200, 0.05)) < 0.08


def test_the_smallest_risk_by_hand() -> None:
    # 5 errors among 400 bound the risk by 0.0261, so 400 images cannot be asked for 0.026, but can for 0.027.
    assert float(upper_bound(5, 400, 0.05)) == pytest.approx(0.0261, abs=5e-5)
    assert TWO_GROUPS.smallest_risk(0.05) == 0.027
    assert TWO_GROUPS.guarantee(0.026, 0.05) is None


def test_too_few_images_guarantee_nothing() -> None:
    assert sample_of((0.9, 5, 0)).smallest_risk(0.05) == 1
    assert sample_of((0.9, 5, 0)).guarantee(0.5, 0.05) is None


@pytest.mark.parametrize(("risk", "delta"), [(0, 0.05), (1, 0.05), (0.05, 0), (0.05, 1.5), (math.nan, 0.05)])
def test_a_risk_or_delta_that_means_nothing_is_refused(risk: float, delta: float) -> None:
    with pytest.raises(ValueError, match="must be above 0 and below 1"):
        TWO_GROUPS.guarantee(risk, delta)
