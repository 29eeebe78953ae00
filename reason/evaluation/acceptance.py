"""What a score must reach to be worth its network, and whether each seed did, split by split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reason.evaluation.report import Interval, Metric, Report, RivalResult

NEAR = 0.01
"""How far below the best baseline the AUROC may be on images of no known class."""

Target = Literal["clean", "seen", "unseen", "ood", "logistic"]
"""Kind of the split, or the logistic regression on the same meta-vector."""

TARGETS: dict[Target, str] = {
    "clean": "not worse than the best baseline: the interval of the difference holds or exceeds 0",
    "seen": "better than the best baseline: the interval of the difference is above 0",
    "unseen": "better than the best baseline: the interval of the difference is above 0",
    "ood": f"AUROC not more than {NEAR} below the best baseline",
    "logistic": "better than a logistic regression on the same meta-vector: the interval of the difference is above 0",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One target, and what became of it."""

    split: str
    metric: Metric
    rival: str
    """Name of the baseline."""
    target: Target
    differences_95: tuple[Interval, ...]
    """Paired interval of REASON's minus the rival's, one a seed, turned so that larger is better."""
    passed: tuple[bool, ...]
    """Whether each seed reached the target."""


def checks(report: Report) -> Iterator[Check]:
    """Yield every check of a report."""
    for name, split in report.splits.items():
        auroc, augrc = split.seeds.auroc, split.seeds.augrc
        if split.kind == "ood":
            # An undefined AUROC is near nothing.
            near = tuple(value >= auroc.best.value - NEAR for value in auroc.value)
            yield Check(name, "auroc", auroc.best.name, "ood", _turned(auroc.best, "auroc"), near)
        else:
            yield _check(name, "auroc", auroc.best, split.kind)
            yield _check(name, "augrc", augrc.best, split.kind)
        if auroc.logistic is not None:
            yield _check(name, "auroc", auroc.logistic, "logistic")


def _check(split: str, metric: Metric, rival: RivalResult, target: Target) -> Check:
    turned = _turned(rival, metric)
    passed = tuple(high >= 0 if target == "clean" else low > 0 for low, high in turned)
    return Check(split, metric, rival.name, target, turned, passed)


def _turned(rival: RivalResult, metric: Metric) -> tuple[Interval, ...]:
    """Return the intervals of an improvement: AUGRC is better the smaller it is. An undefined end passes nothing."""
    return tuple((-high, -low) if metric == "augrc" else (low, high) for low, high in rival.difference_95)
