"""Thresholds with a guarantee: selective risk at most alpha with confidence 1 - delta.

What the guarantee says: if calibration images were drawn again and again and a threshold chosen each time, at most a
share delta of the thresholds would accept predictions whose true error rate is above alpha. It assumes that

- each calibration image is an independent draw from the images that the threshold will meet; of
  shifted or corrupted images, or of other classes, it says nothing;
- the base classifier, the signals and the MetaNet learned nothing from the calibration images. Platt scaling did
  learn its two numbers from them; it keeps the order of the images and only moves the grid of thresholds along it;
- the risk and delta were chosen before looking at what the calibration images can guarantee;
- the error rate does not rise with the reliability. This matters only where testing starts, see ``certify``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reason.detector.certificate import Certificate
from reason.detector.policy_request import check_risk

METHOD = "Clopper-Pearson upper bound, fixed-sequence testing"

GRID = np.round(np.arange(1000, -1, -1) / 1000, 3)
"""Thresholds in the order in which they are tested, fixed before any label is seen."""

SPARE_ERRORS = 5
"""Testing starts where a threshold accepts enough images that this many errors would still pass."""

FEWEST_RELIABLE = 50
"""Images whose error rate stands for that of the most reliable ones, at least."""

RISKS = np.round(np.arange(1, 1000) / 1000, 3)
"""Risks among which the smallest that can be guaranteed is looked for."""


@dataclass(frozen=True, slots=True)
class RiskGuarantee:
    """A threshold and what it guarantees."""

    threshold: float
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class ImagesNeeded:
    """How many calibration images a guarantee takes."""

    least: int
    """Fewer never do: it takes as many accepted ones for testing to start."""
    likely: int | None
    """About how many would do if the most reliable are as often wrong as seen; ``None`` where that is too often."""
    share: float
    """Share of the images that are most reliable, such that fewest would do, in (0, 1]."""
    error_rate: float
    """Error rate seen among them."""


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationSample:
    """What is known of the calibration images: all that a threshold for another risk is computed from."""

    reliability: NDArray[np.float32]
    """Calibrated P(correct) of each image ``[n]``, in [0, 1]."""
    correct: NDArray[np.bool_]
    """Whether each prediction is right ``[n]``."""

    def guarantee(self, risk: float, delta: float) -> RiskGuarantee | None:
        """Return the threshold of largest coverage that guarantees the risk, or ``None``; see ``certify``.

        Raises:
            PolicyError: the risk or delta is outside (0, 1).
        """
        return certify(self.reliability, self.correct, risk, delta)

    def smallest_risk(self, delta: float) -> float:
        """Return the smallest risk that could have been guaranteed, in thousandths; 1 when none could.

        It says how far the asked risk is out of reach. The confidence covers a risk chosen beforehand, not this one,
        which was chosen by looking.

        Raises:
            PolicyError: delta is outside (0, 1).
        """
        tests = _Tests.of(self.reliability, self.correct, delta)
        return next((float(risk) for risk in RISKS if tests.last_passed(risk) is not None), 1.0)

    def images_needed(self, risk: float, delta: float) -> ImagesNeeded:
        """Return how many images would do for a guarantee that these cannot give.

        Raises:
            PolicyError: the risk or delta is outside (0, 1).
        """
        check_risk("risk", risk)
        rates = dict(self._most_reliable(share) for share in np.arange(1, 0, -0.05))
        likely = {
            share: math.ceil(fewest_accepted(risk, delta, rate) / share - 1e-9)
            for share, rate in rates.items()
            if rate < risk
        }
        best = min(likely or rates, key=lambda share: likely.get(share, rates[share]))
        return ImagesNeeded(fewest_accepted(risk, delta), likely.get(best), best, rates[best])

    def _most_reliable(self, share: float) -> tuple[float, float]:
        """Return share and error rate of the images that are accepted where so many are; equal ones go together."""
        n = len(self.reliability)
        count = min(max(round(share * n), FEWEST_RELIABLE), n)
        accepted = self.reliability >= np.sort(self.reliability)[n - count]
        return float(accepted.mean()), float((~self.correct[accepted]).mean())


@dataclass(frozen=True, slots=True)
class _Tests:
    """What the calibration images say of each threshold of the grid, whatever the risk."""

    accepted: NDArray[np.int_]
    """How many images the threshold accepts."""
    bounds: NDArray[np.float64]
    """Upper confidence bound of the error rate among them."""
    spare: NDArray[np.float64]
    """The same bound, had there been ``SPARE_ERRORS`` errors."""

    @classmethod
    def of(cls, reliability: NDArray[np.floating], correct: NDArray[np.bool_], delta: float) -> _Tests:
        check_risk("delta", delta)
        accepted = _accepted(reliability)
        bounds = upper_bound(_accepted(reliability[~correct]), accepted, delta)
        return cls(accepted, bounds, upper_bound(SPARE_ERRORS, accepted, delta))

    def last_passed(self, risk: float) -> int | None:
        """Return the place in the grid of the last threshold that passes before one fails."""
        tested = np.flatnonzero(self.spare <= risk)
        passed = tested[np.logical_and.accumulate(self.bounds[tested] <= risk)]
        return int(passed[-1]) if len(passed) else None


def upper_bound(errors: int | NDArray[np.int_], n: int | NDArray[np.int_], delta: float) -> NDArray[np.float64]:
    """Return the exact upper confidence limit of an error rate (Clopper & Pearson 1934), element by element.

    Args:
        errors: number of errors seen.
        n: number of trials; 0 gives 1.
        delta: chance that the true rate is larger than the limit.
    """
    from scipy.special import betaincinv  # imported here: loading a bundle need not wait for it

    right = np.subtract(n, errors)
    return np.where(right > 0, betaincinv(np.add(errors, 1), np.maximum(right, 1), 1 - delta), 1.0)


def certify(
    reliability: NDArray[np.floating], correct: NDArray[np.bool_], risk: float, delta: float
) -> RiskGuarantee | None:
    """Return the lowest threshold whose selective risk is at most ``risk`` with confidence ``1 - delta``.

    Thresholds of a fixed grid are tested from the strictest to the loosest until one fails, so that testing many
    costs no confidence (fixed-sequence testing; Angelopoulos et al. 2021, "Learn then Test"). The strictest ones,
    which accept too few images to pass even with almost no error, are passed over: that looks at counts only.

    Args:
        reliability: of the calibration images ``[n]``, in [0, 1].
        correct: whether each of their predictions is right ``[n]``.
        risk: largest allowed error rate among the accepted, in (0, 1).
        delta: allowed chance that the guarantee fails, in (0, 1).

    Returns:
        The guarantee, or ``None`` when no threshold can give it.

    Raises:
        PolicyError: the risk or delta is outside (0, 1).
    """
    check_risk("risk", risk)
    tests = _Tests.of(reliability, correct, delta)
    last, n = tests.last_passed(risk), len(reliability)
    if last is None:
        return None
    bound, coverage = float(tests.bounds[last]), float(tests.accepted[last] / n)
    return RiskGuarantee(float(GRID[last]), Certificate(float(risk), float(delta), n, bound, coverage, METHOD))


def fewest_accepted(risk: float, delta: float, rate: float = 0.0) -> int:
    """Return the fewest accepted images that guarantee a risk, as a threshold is tested by ``certify``.

    Args:
        risk: largest allowed error rate, in (0, 1).
        delta: allowed chance that the guarantee fails, in (0, 1).
        rate: share of them that is wrong, below the risk.
    """

    def does(n: int) -> bool:
        wrong = max(SPARE_ERRORS, math.ceil(rate * n))
        return bool(upper_bound(wrong, n, delta) <= risk)

    low, high = 0, 1
    while not does(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if does(middle) else (middle, high)
    return high


def _accepted(reliability: NDArray[np.floating]) -> NDArray[np.int_]:
    """Return how many images each threshold of the grid accepts."""
    return len(reliability) - np.searchsorted(np.sort(reliability), GRID)
