"""How many calibration images a guarantee takes, and that a refusal says so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from reason.detector.policy import guarantee_or_refuse
from reason.detector.risk import CalibrationSample, certify, fewest_accepted
from reason.errors import GuaranteeError


def sample(right: list[bool]) -> CalibrationSample:
    """Images by falling reliability."""
    return CalibrationSample(np.linspace(1, 0, len(right), dtype=np.float32), np.array(right))


@pytest.mark.parametrize(("risk", "delta"), [(0.02, 0.05), (0.05, 0.1), (0.3, 0.01)])
def test_the_fewest_are_where_five_errors_would_pass(risk: float, delta: float) -> None:
    """By SciPy's beta distribution: the upper limit is its quantile."""
    n = fewest_accepted(risk, delta)
    assert beta.ppf(1 - delta, 6, n - 5) <= risk < beta.ppf(1 - delta, 6, n - 1 - 5)


def test_one_image_fewer_gets_no_certificate_even_without_an_error() -> None:
    n = fewest_accepted(0.05, 0.05)
    for count, certified in ((n - 1, False), (n, True)):
        accepted = np.ones(count)
        assert (certify(accepted, accepted > 0, 0.05, 0.05) is not None) is certified


def test_few_images_are_told_how_many_would_do() -> None:
    needed = sample([True] * 97 + [False] * 3).images_needed(0.02, 0.05)
    assert needed.least == fewest_accepted(0.02, 0.05)
    assert (needed.share, needed.error_rate) == (0.95, 0.0)
    assert needed.likely == math.ceil(needed.least / 0.95)


def test_where_even_the_most_reliable_are_too_often_wrong_no_number_is_named() -> None:
    needed = sample([row % 10 != 0 for row in range(200)]).images_needed(0.05, 0.05)
    assert needed.likely is None
    assert needed.error_rate == pytest.approx(0.1, abs=0.01)


def test_the_error_rate_is_that_of_the_most_reliable() -> None:
    right = [row % 20 != 7 for row in range(200)] + [row % 2 == 0 for row in range(200)]
    needed = sample(right).images_needed(0.1, 0.05)
    assert needed.share == 0.5
    assert needed.error_rate == pytest.approx(0.05)
    assert needed.likely == 2 * fewest_accepted(0.1, 0.05, 0.05)  # half of the images are as reliable


def test_images_of_equal_reliability_go_together() -> None:
    reliability = np.repeat(np.array([1, 0], dtype=np.float32), 100)
    needed = CalibrationSample(reliability, np.arange(200) % 100 < 98).images_needed(0.05, 0.05)
    assert needed.share == 1.0
    assert needed.error_rate == pytest.approx(0.02)


def test_the_refusal_says_it() -> None:
    with pytest.raises(GuaranteeError) as caught:
        guarantee_or_refuse("mine", sample([True] * 60), 0.02, 0.05)
    n = fewest_accepted(0.02, 0.05)
    expected = (
        f"its 60 calibration images can tell; it takes {n:,} at the very least, and about {n:,} at the error rate"
    )
    assert expected in str(caught.value)
    with pytest.raises(GuaranteeError, match=r"and no number is enough at the error rate of .*% seen among"):
        guarantee_or_refuse("mine", sample([True, False] * 60), 0.02, 0.05)
