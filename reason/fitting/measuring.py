"""What a fit says of its detector on the images that it kept for a test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reason import metrics
from reason.data.labels import CLEAN
from reason.detector.detector import Detector
from reason.fitting.streamed import Vectors
from reason.signals.scores import LOG_ODDS

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class TestResult:
    """One split of the test images, clean or corrupted; a figure is NaN where it is undefined."""

    n: int
    errors: int
    auroc: float
    auroc_95: Interval
    """Its interval, bootstrap."""
    auroc_msp: float
    """Of the maximum softmax probability."""
    difference_95: Interval
    """Interval of the first minus the second, paired bootstrap."""
    augrc: float
    augrc_msp: float
    ece: float
    """Of the reliability, 15 bins."""
    coverage: float
    """Share that is accepted."""
    selective_risk: float
    """Error rate among the accepted."""

    def to_json(self) -> dict[str, Any]:
        """Return the figures by the keys that evaluations use; undefined ones are ``None``."""
        low, high = self.difference_95
        return {
            "n": self.n,
            "accuracy": 1 - self.errors / self.n,
            "scores": {
                "REASON": {"auroc": _number(self.auroc), "augrc": _number(self.augrc)},
                "MSP": {"auroc": _number(self.auroc_msp), "augrc": _number(self.augrc_msp)},
            },
            "auroc_difference_95": {"MSP": [_number(low), _number(high)]},
            "reliability": {"ece_15": _number(self.ece)},
            "threshold": {"coverage": self.coverage, "selective_risk": _number(self.selective_risk)},
        }


def measure(detector: Detector, found: Vectors) -> dict[str, TestResult]:
    """Return the figures of the clean images and, where there are any, of the corrupted copies, by name."""
    parts = {CLEAN: found.clean, "seen corruptions": ~found.clean}
    return {name: _measured(detector, found.take(rows.nonzero()[:, 0])) for name, rows in parts.items() if rows.any()}


def _measured(detector: Detector, part: Vectors) -> TestResult:
    judged = detector.judge_vectors(part.vectors)
    correct, own = part.correct.numpy(), judged.logits.double().numpy()
    msp = part.vectors[:, detector.signals.names.index(LOG_ODDS)].double().numpy()
    reliability = judged.reliability.double().numpy()
    accepted = reliability >= detector.threshold
    errors = int((~correct).sum())
    interval, difference = _intervals(own, msp, correct)
    return TestResult(
        n=len(correct),
        errors=errors,
        auroc=metrics.auroc(own, correct),
        auroc_95=interval,
        auroc_msp=metrics.auroc(msp, correct),
        difference_95=difference,
        augrc=metrics.augrc(own, correct),
        augrc_msp=metrics.augrc(msp, correct),
        ece=metrics.ece(reliability, correct),
        coverage=float(accepted.mean()),
        selective_risk=float(np.mean(~correct[accepted])) if accepted.any() else math.nan,
    )


def _intervals(own: Floats, msp: Floats, correct: NDArray[np.bool_]) -> tuple[Interval, Interval]:
    """Return the 95% intervals of an AUROC and of it minus another; NaN where all predictions are alike."""
    if correct.all() or not correct.any():
        return (math.nan, math.nan), (math.nan, math.nan)
    ((ours, theirs),) = metrics.resampled((own, msp), correct, (metrics.auroc,))
    return metrics.interval_95(ours), metrics.interval_95(ours - theirs)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
