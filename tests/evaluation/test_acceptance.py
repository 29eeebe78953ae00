"""Targets are passed by what passes them, seed by seed, and by nothing else."""

from __future__ import annotations

import math

import pytest
from made_up_report import report, rival, score, split

from reason.evaluation.acceptance import Check, checks
from reason.evaluation.measures import best_baseline
from reason.evaluation.report import Interval, SplitKind, SplitResult


def checks_of(found: SplitResult) -> list[Check]:
    return list(checks(report(**{"a split": found})))


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
def test_auroc_and_augrc_pass_alike(kind: SplitKind, ends: Interval, passed: bool) -> None:
    """The same advantage, as AUGRC, has the other sign."""
    low, high = ends
    found = checks_of(split(kind, auroc=rival(ends), augrc=rival((-high, -low))))
    assert [check.metric for check in found] == ["auroc", "augrc"]
    assert [check.passed for check in found] == [(passed,), (passed,)]
    assert found[1].differences_95 == (ends,)


def test_each_seed_is_checked_by_itself() -> None:
    best = rival((0.01, 0.02), (-0.01, 0.02))
    auroc, _ = checks_of(split("seen", auroc=best, augrc=rival((-0.02, -0.01), (-1, 1)), values=(0.9, 0.9)))
    assert auroc.passed == (True, False)


def test_out_of_distribution_a_hundredth_below_the_best_is_near_enough() -> None:
    best = rival((-1, 1), (-1, 1), (-1, 1))
    (check,) = checks_of(split("ood", auroc=best, augrc=rival((0, 0)), values=(0.8901, 0.8899, 0.95)))
    assert check.passed == (True, False, True)


UNDEFINED = rival((math.nan, math.nan))


def test_what_is_undefined_passes_nothing() -> None:
    found = checks_of(split("clean", auroc=UNDEFINED, augrc=UNDEFINED))
    assert [check.passed for check in found] == [(False,), (False,)]


def test_an_undefined_auroc_out_of_distribution_passes_nothing() -> None:
    (check,) = checks_of(split("ood", auroc=UNDEFINED, values=(math.nan,)))
    assert check.passed == (False,)


def test_the_logistic_regression_must_be_beaten_too() -> None:
    logistic = rival((-0.01, 0.02), name="logistic regression")
    *_, last = checks_of(split("clean", auroc=rival((0, 1)), augrc=rival((-1, 0)), logistic=logistic))
    assert (last.target, last.rival, last.passed) == ("logistic", "logistic regression", (False,))


def test_the_best_baseline_is_of_the_literature_and_by_the_metric() -> None:
    rows = {
        "REASON": score(0.99, augrc=0.01),
        "MSP": score(0.90, augrc=0.05),
        "kNN": score(0.89, augrc=0.04),
        "logistic regression": score(0.98, augrc=0.02),
        "gradient boosting": score(0.97, augrc=0.02),
    }
    ablations = {"logistic regression", "gradient boosting"}
    assert best_baseline(rows, "auroc", ablations) == "MSP"
    assert best_baseline(rows, "augrc", ablations) == "kNN"
