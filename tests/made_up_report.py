"""Reports with chosen figures, for tests of what is made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reason.evaluation.report import (
    CalibrationResult,
    CorruptionResult,
    ImportanceResult,
    Interval,
    Report,
    RivalResult,
    ScoreResult,
    SeedResult,
    SeedResults,
    SeverityStep,
    SplitKind,
    SplitResult,
    ThresholdResult,
)


def score(auroc: float, *, ap_success: float = 0.98, ap_error: float = 0.5, augrc: float = 0.0123) -> ScoreResult:
    return ScoreResult(auroc, ap_success, ap_error, 0.3, 0.02, 0.01, augrc, 0.0, 0.01, 0.02, 0.6, 0.7, 0.9)


def rival(*intervals: Interval, value: float = 0.9, name: str = "MSP") -> RivalResult:
    return RivalResult(name, value, intervals)


def split(
    kind: SplitKind = "clean",
    *,
    auroc: RivalResult | None = None,
    augrc: RivalResult | None = None,
    logistic: RivalResult | None = None,
    values: Sequence[float] = (0.9,),
) -> SplitResult:
    """Return a split in which the seeds give these AUROC values, against these rivals."""
    best = rival((-0.00123, 0.02))
    return SplitResult(
        kind=kind,
        n=3925,
        accuracy=0.93131,
        scores={"REASON": score(0.91234), "MSP": score(0.9, augrc=math.nan)},
        auroc_difference_95={"MSP": (-0.00123, 0.02)},
        augrc_difference_95={"MSP": (-0.0002, 0.0001)},
        seeds=SeedResults(SeedResult(tuple(values), auroc or best, logistic), SeedResult(tuple(values), augrc or best)),
        reliability=CalibrationResult(0.0111, 0.04),
        confidence=CalibrationResult(0.031, 0.045),
        threshold=ThresholdResult(0.75, 0.8, math.nan),
    )


def report(**splits: SplitResult) -> Report:
    """Return a report of these splits, by default a clean one."""
    step = SeverityStep(0.5, 70, 0.8, 0.9, 0.8, 0.7, math.nan)
    return Report(
        bundle="tiny",
        target="clean",
        seen=(),
        unseen=("fog",),
        splits=splits or {"clean": split()},
        importance={"gradient": {"clean": ImportanceResult(0.001, (-0.002, 0.004))}},
        by_type={"fog": CorruptionResult("weather", "unseen", 70, 0.5, {"REASON": 0.8, "MSP": 0.7})},
        severity_sweep={"fog": (step,)},
        training=(),
    )
