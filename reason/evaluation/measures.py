"""The figures of scored splits."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from reason.data.corruptions import CORRUPTIONS
from reason.data.labels import CLEAN
from reason.evaluation import metrics
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
    SplitResult,
    ThresholdResult,
)
from reason.evaluation.scored import ScoredSplit

COMPARED: Mapping[Metric, metrics.RankingMetric] = {"auroc": metrics.auroc, "augrc": metrics.augrc}
"""Metrics whose differences come with an interval."""

LOGISTIC = "logistic regression"
"""The ablation that a MetaNet must beat, see ``reason.evaluation.baselines.meta_vector``."""

Differences = dict[str, Interval]
"""By baseline, the interval of REASON's metric minus the baseline's."""


def measure(split: ScoredSplit, threshold: float) -> SplitResult:
    """Return the figures of one split.

    Args:
        split: with REASON's score and that of one baseline at least.
        threshold: reliability from which a prediction is accepted.
    """
    correct, reliability = split.correct, split.reliability
    accepted = reliability >= threshold
    scores = {name: ScoreResult(**metrics.report(score, correct)) for name, score in split.scores.items()}
    auroc, augrc = (_differences(split, metric) for metric in COMPARED.values())
    return SplitResult(
        kind=split.kind,
        n=len(correct),
        accuracy=float(correct.mean()),
        scores=scores,
        auroc_difference_95=auroc,
        augrc_difference_95=augrc,
        seeds=SeedResults(_seeds(split, scores, "auroc", auroc), _seeds(split, scores, "augrc", augrc)),
        reliability=_calibration(reliability, correct),
        confidence=_calibration(split.scores["MSP"], correct),
        threshold=ThresholdResult(
            value=threshold,
            coverage=float(accepted.mean()),
            selective_risk=float((~correct[accepted]).mean()) if accepted.any() else math.nan,
        ),
    )


def _differences(split: ScoredSplit, metric: metrics.RankingMetric) -> Differences:
    own, correct = split.scores[OWN], split.correct
    return {
        name: metrics.paired_bootstrap(own, score, correct, metric=metric)
        for name, score in split.scores.items()
        if name != OWN
    }


def _seeds(
    split: ScoredSplit, scores: Mapping[str, ScoreResult], metric: Metric, differences: Differences
) -> SeedResult:
    """Return what each seed gives; of the first, the detector's own, ``scores`` and ``differences`` know all."""
    of, correct = COMPARED[metric], split.correct

    def rival(name: str) -> RivalResult:
        others = [
            metrics.paired_bootstrap(score, split.scores[name], correct, metric=of) for score in split.seed_replicates
        ]
        return RivalResult(name, getattr(scores[name], metric), (differences[name], *others))

    return SeedResult(
        value=(getattr(scores[OWN], metric), *(of(score, correct) for score in split.seed_replicates)),
        best=rival(best_baseline(scores, metric, split.ablations)),
        logistic=rival(LOGISTIC) if LOGISTIC in split.scores else None,
    )


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
    found: dict[str, CorruptionResult] = {}
    for split in splits.values():
        if split.kind != "ood":
            for name in dict.fromkeys(split.images.corruptions):
                if name not in found:
                    found[name] = _corruption(split, name)
    return found


def _corruption(split: ScoredSplit, name: str) -> CorruptionResult:
    mask = np.array(split.images.corruptions) == name
    correct = split.correct[mask]
    return CorruptionResult(
        family=CLEAN if name == CLEAN else CORRUPTIONS[name].family,
        kind=split.kind,
        n=int(mask.sum()),
        accuracy=float(correct.mean()),
        auroc={score: metrics.auroc(values[mask], correct) for score, values in split.scores.items()},
    )
