"""Thresholds with a promise: selective risk at most alpha with confidence 1 - delta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from reason.verdict import Certificate

METHOD = "Clopper-Pearson upper bound, fixed-sequence testing"

GRID = np.round(np.arange(1000, -1, -1) / 1000, 3)
"""Thresholds in the order in which they are tested, fixed before any label is seen."""

SPARE_ERRORS = 5
"""Testing starts where a threshold accepts enough images that this many errors would still pass."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A threshold and what it promises."""

    threshold: float
    certificate: Certificate


def upper_bound(errors: int, n: int, delta: float) -> float:
    """Return the exact upper confidence limit of an error rate (Clopper & Pearson 1934).

    Args:
        errors: number of errors seen.
        n: number of trials; 0 gives 1.
        delta: chance that the true rate is larger than the limit.
    """
    return 1.0 if errors >= n else float(beta.ppf(1 - delta, errors + 1, n - errors))


def certify(reliability: NDArray[np.floating], correct: NDArray[np.bool_], risk: float, delta: float) -> Promise | None:
    """Return the lowest threshold whose selective risk is at most ``risk`` with confidence ``1 - delta``.

    Thresholds of a fixed grid are tested from the strictest to the loosest until one fails, so that testing many
    costs no confidence (fixed-sequence testing; Angelopoulos et al. 2021, "Learn then Test"). The strictest ones,
    which accept too few images to pass even with almost no error, are passed over: that looks at counts only.

    Args:
        reliability: of the calibration images ``[n]``, in [0, 1].
        correct: whether each of their predictions is right ``[n]``.
        risk: largest allowed error rate among the accepted, in (0, 1).
        delta: allowed chance that the promise fails, in (0, 1).

    Returns:
        The promise, or ``None`` when no threshold can make it.
    """
    best: Promise | None = None
    n = len(reliability)
    for threshold in GRID:
        accepted = reliability >= threshold
        count = int(accepted.sum())
        if upper_bound(SPARE_ERRORS, count, delta) > risk:
            continue
        bound = upper_bound(int((accepted & ~correct).sum()), count, delta)
        if bound > risk:
            break
        best = Promise(float(threshold), Certificate(risk, delta, n, bound, count / n, METHOD))
    return best
