"""How often the guarantee of a threshold is broken: on images like the calibration images, and on others.

    python -m benchmarks.guarantee

Scores are drawn, so that the true error rate at any threshold is known; see docs/threshold.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.special import expit, logit
from scipy.stats import binomtest

from reason.detector.calibration import Platt
from reason.detector.policy import DELTA
from reason.detector.risk import CalibrationSample

SPLITS = 1000
IMAGES = 946
RISKS = (0.02, 0.03, 0.05, 0.08)
CENTRE, SPREAD = 4.25, 2.8
"""Mean and deviation of the score, the true log odds of being right: one prediction in ten is wrong."""
OVERCONFIDENCE = 2.0
"""Under shift the log odds of being right are the score divided by this."""


@dataclass
class Tally:
    """What became of one risk over the splits."""

    coverages: list[float] = field(default_factory=list)
    """Share that each guaranteed threshold accepts of its calibration images."""
    broken: int = 0
    """Guarantees whose true risk is above the one guaranteed."""
    broken_by_shift: int = 0
    """Guarantees whose true risk on shifted images is above the one guaranteed."""


class Population:
    """True selective risks, from a million scores and the chance of each of being wrong.

    Args:
        overconfidence: the log odds of being right are the score divided by this.
    """

    def __init__(self, overconfidence: float = 1.0) -> None:
        self._scores = np.sort(np.random.default_rng(0).normal(CENTRE, SPREAD, 1_000_000))
        wrong = expit(-self._scores / overconfidence)
        self._risks = np.append(np.cumsum(wrong[::-1])[::-1] / np.arange(len(wrong), 0, -1), 0.0)

    def risk(self, score: float) -> float:
        """Return the error rate among predictions of at least this score."""
        return float(self._risks[np.searchsorted(self._scores, score)])


def draw(random: np.random.Generator, images: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores and outcomes of calibration images, each ``[images]``."""
    scores = random.normal(CENTRE, SPREAD, images)
    return scores, random.random(images) < expit(scores)


def simulate(splits: int, seed: int = 0) -> dict[float, Tally]:
    """Calibrate and certify as ``fit`` does, once a split; return a tally of each risk."""
    random = np.random.default_rng(seed)
    alike, shifted = Population(), Population(OVERCONFIDENCE)
    tallies = {risk: Tally() for risk in RISKS}
    for _ in range(splits):
        scores, correct = draw(random, IMAGES)
        logits = torch.from_numpy(scores).float()
        platt = Platt.fit(logits, torch.from_numpy(correct))
        sample = CalibrationSample(platt(logits).numpy(), correct)
        for risk, tally in tallies.items():
            found = sample.guarantee(risk, DELTA)
            if found is not None:
                score = (float(logit(found.threshold)) - platt.intercept) / platt.slope
                tally.coverages.append(found.certificate.coverage)
                tally.broken += alike.risk(score) > risk
                tally.broken_by_shift += shifted.risk(score) > risk
    return tallies


def main() -> int:
    """Print the table; return 1 when guarantees are broken more often than delta, beyond chance."""
    table = Table("risk", "guaranteed", "mean coverage", "broken, 95% interval", "broken under shift, 95% interval")
    missed = 0
    for risk, tally in simulate(SPLITS).items():
        coverage = f"{np.mean(tally.coverages):.3f}" if tally.coverages else ""
        guaranteed = f"{len(tally.coverages) / SPLITS:.3f}"
        table.add_row(str(risk), guaranteed, coverage, _share(tally.broken), _share(tally.broken_by_shift))
        missed += binomtest(tally.broken, SPLITS).proportion_ci(method="exact").low > DELTA
    console = Console()
    console.print(table)
    console.print(f"{SPLITS} splits of {IMAGES} calibration images; delta {DELTA}: {'MISS' if missed else 'pass'}")
    return 1 if missed else 0


def _share(count: int) -> str:
    """Return a share of the splits with its exact interval (Clopper & Pearson 1934)."""
    interval = binomtest(count, SPLITS).proportion_ci(method="exact")
    return f"{count / SPLITS:.3f} ({interval.low:.3f} to {interval.high:.3f})"


if __name__ == "__main__":
    sys.exit(main())
