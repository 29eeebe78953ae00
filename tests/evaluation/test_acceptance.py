"""Targets are passed by what passes them, seed by seed, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from reason.evaluation.acceptance import checks
from reason.evaluation.comparison import best_baseline


def rival(*intervals: tuple[float | None, float | None], value: float = 0.9) -> dict[str, Any]:
    return {"name": "MSP", "value": value, "difference_95": [list(ends) for ends in intervals]}


def report(kind: str, auroc: dict[str, Any], augrc: dict[str, Any], values: list[float | None]) -> dict[str, Any]:
    seeds = {"auroc": {"value": values, "best": auroc}, "augrc": {"value": values, "best": augrc}}
    return {"splits": {"a split": {"kind": kind, "seeds": seeds}}}


@pytest.mark.parametrize(
    ("kind", "ends", "passed"),
    [
        ("clean", (-0.02, 0.0), True),
        ("clean", (-0.02, -0.001), False),
        ("clean", (0.01, 0.02), True),
        ("seen", (0.001, 0.02), True),
        ("seen", (0.0, 0.02), False),
        ("unseen", (-0.001, 0.02), False),
        ("unseen", (0.001, 0.02), True),
    ],
)
def test_auroc_and_augrc_pass_alike(kind: str, ends: tuple[float, float], passed: bool) -> None:
    """The same advantage, as AUGRC, has the other sign."""
    low, high = ends
    found = list(checks(report(kind, rival(ends), rival((-high, -low)), [0.9])))
    assert [check.metric for check in found] == ["AUROC", "AUGRC"]
    assert [check.passed for check in found] == [(passed,), (passed,)]
    assert found[1].differences_95 == (ends,)


def test_each_seed_is_judged_by_itself() -> None:
    (auroc, _) = checks(report("seen", rival((0.01, 0.02), (-0.01, 0.02)), rival((-0.02, -0.01), (-1, 1)), [0.9, 0.9]))
    assert auroc.passed == (True, False)


def test_outside_a_hundredth_below_the_best_is_near_enough() -> None:
    (check,) = checks(report("outside", rival((-1, 1), (-1, 1), (-1, 1)), rival((0, 0)), [0.8901, 0.8899, 0.95]))
    assert check.passed == (True, False, True)


def test_what_is_undefined_passes_nothing() -> None:
    found = checks(report("clean", rival((None, None)), rival((None, None)), [0.9]))
    assert [check.passed for check in found] == [(False,), (False,)]


def test_an_undefined_auroc_among_strangers_passes_nothing() -> None:
    (check,) = checks(report("outside", rival((None, None)), rival((0, 0)), [None]))
    assert check.passed == (False,)


def test_the_logistic_regression_must_be_beaten_too() -> None:
    numbers = report("clean", rival((0, 1)), rival((-1, 0)), [0.9])
    numbers["splits"]["a split"]["seeds"]["auroc"]["logistic"] = {**rival((-0.01, 0.02)), "name": "logistic regression"}
    *_, last = checks(numbers)
    assert (last.target, last.rival, last.passed) == ("logistic", "logistic regression", (False,))


def test_the_best_baseline_is_of_the_literature_and_by_the_metric() -> None:
    rows = {
        "REASON": {"auroc": 0.99, "augrc": 0.01},
        "MSP": {"auroc": 0.90, "augrc": 0.05},
        "kNN": {"auroc": 0.89, "augrc": 0.04},
        "logistic regression": {"auroc": 0.98, "augrc": 0.02},
        "gradient boosting": {"auroc": 0.97, "augrc": 0.02},
    }
    assert best_baseline(rows, "auroc") == "MSP"
    assert best_baseline(rows, "augrc") == "kNN"
