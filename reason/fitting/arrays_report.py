"""How good a detector of arrays is on labelled rows, beside the literature's scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reason.base.evidence import Labelled
from reason.detector.detector import Detector
from reason.metrics import augrc, auroc, brier, ece, interval_95, resampled
from reason.signals.scores import LOG_ODDS
from reason.structure import plain

OWN, MSP = "REASON", "MSP"


@dataclass(frozen=True, slots=True)
class ScoreFigures:
    """How well one score ranks the rows."""

    auroc: float
    """Chance that a right prediction outranks a wrong one, in [0, 1]."""
    auroc_95: tuple[float, ...]
    """Its 95% interval, by the bootstrap."""
    augrc: float
    """Area under the generalised risk-coverage curve, in [0, 1/2]; smaller is better."""
    lead_95: tuple[float, ...]
    """95% interval of REASON's AUROC minus this one, paired."""


@dataclass(frozen=True, slots=True)
class ArraysReport:
    """What ``ReliabilityEstimator.evaluate`` found."""

    n: int
    """Number of rows."""
    accuracy: float
    scores: dict[str, ScoreFigures]
    """REASON first, then MSP and the other scores of the literature among the signals."""
    ece: float
    """Calibration error of the reliability over 15 bins of equal mass; smaller is better."""
    ece_msp: float
    """That of the softmax's own confidence."""
    brier: float
    """Mean squared difference between reliability and outcome."""
    threshold: float
    coverage: float
    """Share of the rows that the threshold accepts."""
    selective_risk: float
    """Share of these that is wrong; NaN when nothing is accepted."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        facts: dict[str, Any] = plain(self)
        return facts

    def __str__(self) -> str:
        lines = [f"{self.n} rows, accuracy {self.accuracy:.4f}", f"{'score':28}{'AUROC':>8}{'95%':>18}{'AUGRC':>9}"]
        for name, found in self.scores.items():
            low, high = found.auroc_95
            lines.append(f"{name:28}{found.auroc:8.4f}{f'{low:.4f} to {high:.4f}':>18}{found.augrc:9.4f}")
        kept = f"accepts {self.coverage:.1%}, of which {self.selective_risk:.2%} are wrong"
        lines += [f"ECE {self.ece:.4f} (MSP {self.ece_msp:.4f})", f"from {self.threshold:.3f} on it {kept}"]
        return "\n".join(lines)


def measure(detector: Detector, rows: Labelled) -> ArraysReport:
    """Return the figures of a detector on rows that nothing was fitted to.

    Raises:
        MetricError: there are no rows.
    """
    judgement, correct = detector.judge(rows.evidence), rows.correct.numpy()
    reliability = judgement.reliability.double().numpy()
    scores = {OWN: judgement.logits.double().numpy()} | _scores(detector, judgement.vectors)
    accepted = reliability >= detector.threshold
    confidence = rows.evidence.logits.double().softmax(dim=1).amax(dim=1).numpy()
    return ArraysReport(
        n=len(correct),
        accuracy=float(correct.mean()),
        scores=_figures(scores, correct),
        ece=ece(reliability, correct),
        ece_msp=ece(confidence, correct),
        brier=brier(reliability, correct),
        threshold=detector.threshold,
        coverage=float(accepted.mean()),
        selective_risk=float((~correct[accepted]).mean()) if accepted.any() else float("nan"),
    )


def _scores(detector: Detector, vectors: torch.Tensor) -> dict[str, NDArray[np.float64]]:
    """Return each column with a direction as a score, MSP first."""
    columns = [column for family in detector.signals.families if not family.raw for column in family.columns]
    place = {name: number for number, name in enumerate(detector.signals.names)}
    return {
        MSP if column.name == LOG_ODDS else column.name: (
            vectors[:, place[column.name]].double().numpy() * (1 if column.direction == "trust" else -1)
        )
        for column in sorted(columns, key=lambda column: column.name != LOG_ODDS)
        if column.direction != "none"
    }


def _figures(scores: dict[str, NDArray[np.float64]], correct: NDArray[np.bool_]) -> dict[str, ScoreFigures]:
    (draws,) = resampled(list(scores.values()), correct, (auroc,))
    return {
        name: ScoreFigures(
            auroc(score, correct), interval_95(drawn), augrc(score, correct), interval_95(draws[0] - drawn)
        )
        for (name, score), drawn in zip(scores.items(), draws, strict=True)
    }
