"""The figures of scored splits."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reason import metrics
from reason.data.corruptions import CORRUPTIONS
from reason.data.labels import CLEAN
from reason.evaluation.report import (
    OWN,
    CalibrationResult,
    CorruptionResult,
    Interval,
    Metric,
    RivalResult,
    ScoreResult,
    SeedResult,
    SeedResults,
    SeverityStep,
    SplitResult,
    ThresholdResult,
)
from reason.evaluation.scored import ScoredSplit

COMPARED: Mapping[Metric, metrics.RankingMetric] = {"auroc": metrics.auroc, "augrc": metrics.augrc}
"""Metrics whose differences come with an interval."""

LOGISTIC = "logistic regression"
"""The ablation that a MetaNet must beat, see ``reason.evaluation.baselines.meta_vector``."""

STEPS = 5
"""Equal ranges of severity that the images of a corruption are put into."""

Draws = NDArray[np.float64]
"""A metric on each resample of the images."""

Rows = NDArray[np.intp]


def measure(split: ScoredSplit, threshold: float) -> SplitResult:
    """Return the figures of one split.

    Args:
        split: with REASON's score and that of one baseline at least.
        threshold: reliability from which a prediction is accepted.
    """
    correct, reliability = split.correct, split.reliability
    accepted = reliability >= threshold
    scores = {name: ScoreResult(**metrics.report(score, correct)) for name, score in split.scores.items()}
    auroc, augrc = _Resamples.of(split, scores)
    return SplitResult(
        kind=split.kind,
        n=len(correct),
        accuracy=float(correct.mean()),
        scores=scores,
        auroc_difference_95=auroc.differences(),
        augrc_difference_95=augrc.differences(),
        seeds=SeedResults(auroc.seeds(split), augrc.seeds(split)),
        reliability=_calibration(reliability, correct),
        confidence=_calibration(split.scores["MSP"], correct),
        threshold=ThresholdResult(
            value=threshold,
            coverage=float(accepted.mean()),
            selective_risk=float((~correct[accepted]).mean()) if accepted.any() else math.nan,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Resamples:
    """One metric of every score on the same resampled images of one split."""

    metric: Metric
    results: Mapping[str, ScoreResult]
    """By score, its metrics on the images as they are."""
    draws: Mapping[str, Draws]
    """By score."""
    replicates: Sequence[Draws]
    """Of REASON's score from further seeds."""

    @classmethod
    def of(cls, split: ScoredSplit, results: Mapping[str, ScoreResult]) -> tuple[_Resamples, _Resamples]:
        """Return the resamples of AUROC and of AUGRC."""
        every = [*split.scores.values(), *split.seed_replicates]
        drawn = metrics.resampled(every, split.correct, tuple(COMPARED.values()))
        count = len(split.scores)
        auroc, augrc = (
            cls(metric, results, dict(zip(split.scores, draws[:count], strict=True)), draws[count:])
            for metric, draws in zip(COMPARED, drawn, strict=True)
        )
        return auroc, augrc

    def differences(self) -> dict[str, Interval]:
        """Return by baseline the interval of REASON's metric minus the baseline's."""
        own = self.draws[OWN]
        return {name: metrics.interval_95(own - draws) for name, draws in self.draws.items() if name != OWN}

    def seeds(self, split: ScoredSplit) -> SeedResult:
        """Return what each seed gives; the first is the detector's own."""
        of = COMPARED[self.metric]
        best = best_baseline(self.results, self.metric, split.ablations)
        return SeedResult(
            value=(self._value(OWN), *(of(score, split.correct) for score in split.seed_replicates)),
            best=self._rival(best),
            logistic=self._rival(LOGISTIC) if LOGISTIC in self.draws else None,
        )

    def _value(self, name: str) -> float:
        value: float = getattr(self.results[name], self.metric)
        return value

    def _rival(self, name: str) -> RivalResult:
        seeds = (self.draws[OWN], *self.replicates)
        differences = tuple(metrics.interval_95(draws - self.draws[name]) for draws in seeds)
        return RivalResult(name, self._value(name), differences)


def best_baseline(scores: Mapping[str, ScoreResult], metric: Metric, ablations: Collection[str]) -> str:
    """Return the name of the best other score; ``ablations``, models on REASON's own meta-vector, do not count."""
    rivals: dict[str, float] = {
        name: getattr(row, metric) for name, row in scores.items() if name not in {OWN, *ablations}
    }
    sign = 1 if metric == "auroc" else -1
    return max(rivals, key=lambda name: sign * rivals[name])


def _calibration(probability: NDArray[np.float64], correct: NDArray[np.bool_]) -> CalibrationResult:
    return CalibrationResult(metrics.ece(probability, correct), metrics.brier(probability, correct))


def by_type(splits: Mapping[str, ScoredSplit]) -> dict[str, CorruptionResult]:
    """Return what each corruption does, from the first split that has it; images of no known class do not count."""
    return {name: _corruption(split, rows, name) for name, (split, rows) in _corruptions(splits).items()}


def _corruptions(splits: Mapping[str, ScoredSplit]) -> dict[str, tuple[ScoredSplit, Rows]]:
    """Return for each corruption the first split that has it, and the rows of its images there."""
    found: dict[str, tuple[ScoredSplit, Rows]] = {}
    for split in splits.values():
        if split.kind != "ood":
            names = np.array(split.images.corruptions)
            for name in dict.fromkeys(split.images.corruptions):
                found.setdefault(name, (split, np.flatnonzero(names == name)))
    return found


def _corruption(split: ScoredSplit, rows: Rows, name: str) -> CorruptionResult:
    correct = split.correct[rows]
    return CorruptionResult(
        family=CLEAN if name == CLEAN else CORRUPTIONS[name].family,
        kind=split.kind,
        n=len(rows),
        accuracy=float(correct.mean()),
        auroc={score: metrics.auroc(values[rows], correct) for score, values in split.scores.items()},
    )


def severity_sweep(splits: Mapping[str, ScoredSplit]) -> dict[str, tuple[SeverityStep, ...]]:
    """Return what becomes of images as each corruption gets worse, in the order of ``CORRUPTIONS``.

    The images are those of ``by_type``, whose severities are uniform in [0, 1], in ``STEPS`` ranges of severity.
    """
    known = _corruptions(splits)
    return {name: _steps(*known[name]) for name in CORRUPTIONS if name in known}


def _steps(split: ScoredSplit, rows: Rows) -> tuple[SeverityStep, ...]:
    if split.images.severities is None:
        raise ValueError("corrupted images without severities.")
    steps = np.minimum((split.images.severities.numpy()[rows] * STEPS).astype(int), STEPS - 1)
    return tuple(_step(split, rows[steps == number], (number + 0.5) / STEPS) for number in range(STEPS))


def _step(split: ScoredSplit, rows: Rows, severity: float) -> SeverityStep:
    if not len(rows):
        return SeverityStep(severity, 0, *(math.nan,) * 5)
    correct, confidence = split.correct[rows], split.scores["MSP"][rows]
    return SeverityStep(
        severity=severity,
        n=len(rows),
        accuracy=float(correct.mean()),
        confidence=float(confidence.mean()),
        reliability=float(split.reliability[rows].mean()),
        auroc=metrics.auroc(split.scores[OWN][rows], correct),
        auroc_msp=metrics.auroc(confidence, correct),
    )
