"""The guarantee of a threshold over many calibration splits whose true risk is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import binomtest, norm

from benchmarks import guarantee
from reason.detector.policy import DELTA

SPLITS = 400


@pytest.fixture(scope="module")
def tallies() -> dict[float, guarantee.Tally]:
    return guarantee.simulate(SPLITS, seed=1)


@pytest.mark.parametrize("score", [-2.0, 3.0])
def test_the_true_risk_is_the_integral(score: float) -> None:
    density = norm(guarantee.CENTRE, guarantee.SPREAD)
    wrong, _ = quad(lambda x: density.pdf(x) * expit(-x), score, np.inf)
    assert guarantee.Population().risk(score) == pytest.approx(wrong / density.sf(score), rel=0.01)


def test_one_prediction_in_ten_is_wrong() -> None:
    assert guarantee.Population().risk(-np.inf) == pytest.approx(0.1, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("risk", guarantee.RISKS)
def test_guarantees_are_broken_at_most_as_often_as_they_say(tallies: dict[float, guarantee.Tally], risk: float) -> None:
    assert binomtest(tallies[risk].broken, SPLITS, DELTA, alternative="greater").pvalue > 0.01


@pytest.mark.slow
def test_a_larger_risk_buys_coverage(tallies: dict[float, guarantee.Tally]) -> None:
    coverages = [np.mean(tallies[risk].coverages) for risk in guarantee.RISKS[1:]]
    assert coverages == sorted(coverages)


@pytest.mark.slow
def test_no_guarantee_survives_overconfident_scores(tallies: dict[float, guarantee.Tally]) -> None:
    for tally in tallies.values():
        assert tally.broken_by_shift == len(tally.coverages) > 0
