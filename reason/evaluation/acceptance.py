"""What a score must reach to be worth its network, and whether each seed did, split by split."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NEAR = 0.01
"""How far below the best baseline the AUROC may be on images of no known class."""

TARGETS = {
    "clean": "not worse than the best baseline: the interval of the difference holds or exceeds 0",
    "seen": "better than the best baseline: the interval of the difference is above 0",
    "unseen": "better than the best baseline: the interval of the difference is above 0",
    "outside": f"AUROC not more than {NEAR} below the best baseline",
    "logistic": "better than a logistic regression on the same meta-vector: the interval of the difference is above 0",
}
"""Target by kind of split, and against the logistic regression."""

METRICS = {"auroc": "AUROC", "augrc": "AUGRC"}


@dataclass(frozen=True, slots=True)
class Check:
    """One target, and what became of it."""

    split: str
    metric: str
    """``AUROC`` or ``AUGRC``."""
    rival: str
    """Name of the baseline."""
    target: str
    """Key of ``TARGETS``."""
    differences_95: tuple[tuple[float, float], ...]
    """Paired interval of REASON's minus the rival's, one a seed, turned so that larger is better."""
    passed: tuple[bool, ...]
    """Whether each seed reached the target."""


def checks(report: Mapping[str, Any]) -> Iterator[Check]:
    """Yield every check of a report of ``reason.evaluation.evaluate.run``."""
    for split, numbers in report["splits"].items():
        for metric, name in METRICS.items():
            row = numbers["seeds"][metric]
            if numbers["kind"] != "outside":
                yield _check(split, name, row["best"], numbers["kind"])
            elif metric == "auroc":
                passed = tuple(value is not None and value >= row["best"]["value"] - NEAR for value in row["value"])
                turned = _turned(row["best"]["difference_95"], name)
                yield Check(split, name, row["best"]["name"], "outside", turned, passed)
        if "logistic" in numbers["seeds"]["auroc"]:
            yield _check(split, "AUROC", numbers["seeds"]["auroc"]["logistic"], "logistic")


def _check(split: str, metric: str, rival: Mapping[str, Any], target: str) -> Check:
    turned = _turned(rival["difference_95"], metric)
    passed = tuple(high >= 0 if target == "clean" else low > 0 for low, high in turned)
    return Check(split, metric, rival["name"], target, turned, passed)


def _turned(intervals: Sequence[Sequence[float | None]], metric: str) -> tuple[tuple[float, float], ...]:
    """Return the intervals of an improvement: AUGRC is better the smaller it is. An undefined end passes nothing."""
    ends = [tuple(math.nan if end is None else end for end in interval) for interval in intervals]
    return tuple((-high, -low) if metric == "AUGRC" else (low, high) for low, high in ends)
