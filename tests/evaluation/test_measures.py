"""The figures of scored splits, by hand and against the public metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from reason import metrics
from reason.base.evidence import Evidence, Labelled
from reason.evaluation.measures import by_type, measure, severity_sweep
from reason.evaluation.report import SplitKind
from reason.evaluation.scored import ScoredSplit


def split_of(
    right: list[bool], corruptions: list[tuple[str, float]] | None = None, kind: SplitKind = "seen"
) -> ScoredSplit:
    """Return a split with random scores: the prediction is class 0, the label tells whether that is right."""
    random = np.random.default_rng(len(right))
    images = Labelled(
        Evidence(torch.tensor([[1.0, 0.0]]).repeat(len(right), 1), torch.zeros(len(right), 1)),
        labels=(~torch.tensor(right)).long(),
        sources=("x",) * len(right),
        corruptions=tuple(name for name, _ in corruptions or ()),
        severities=torch.tensor([severity for _, severity in corruptions]) if corruptions else None,
    )
    scores = {name: random.random(len(right)) for name in ("REASON", "MSP", "kNN", "logistic regression")}
    replicates = (random.random(len(right)), random.random(len(right)))
    ablations = frozenset({"logistic regression"})
    return ScoredSplit(
        kind, images, torch.zeros(len(right), 1), random.random(len(right)), scores, ablations, replicates
    )


def test_every_interval_is_that_of_the_paired_bootstrap() -> None:
    split = split_of([True, True, False] * 30)
    found = measure(split, threshold=0.5)
    for metric, differences, seeds in (
        (metrics.auroc, found.auroc_difference_95, found.seeds.auroc),
        (metrics.augrc, found.augrc_difference_95, found.seeds.augrc),
    ):
        assert list(differences) == ["MSP", "kNN", "logistic regression"]
        for name, ends in differences.items():
            pair = split.scores["REASON"], split.scores[name]
            assert ends == metrics.paired_bootstrap(*pair, split.correct, metric=metric)
        own = (split.scores["REASON"], *split.seed_replicates)
        assert seeds.value == tuple(metric(score, split.correct) for score in own)
        assert seeds.logistic is not None
        for rival in (seeds.best, seeds.logistic):
            assert rival.value == metric(split.scores[rival.name], split.correct)
            assert rival.difference_95 == tuple(
                metrics.paired_bootstrap(score, split.scores[rival.name], split.correct, metric=metric) for score in own
            )
        assert seeds.best.name in {"MSP", "kNN"}


def test_where_nothing_is_accepted_the_risk_is_undefined() -> None:
    found = measure(split_of([True, False, True]), threshold=1.1)
    assert found.threshold.coverage == 0
    assert math.isnan(found.threshold.selective_risk)


FOG = [("fog", severity) for severity in (0.0, 0.19, 0.2, 0.5, 0.99, 1.0)]


def test_a_sweep_puts_the_images_of_a_corruption_into_ranges_of_severity() -> None:
    split = split_of([True, False, True, True, False, False, True], [*FOG, ("clean", 0.0)])
    found = severity_sweep({"seen corruptions": split})
    assert list(found) == ["fog"]
    steps = found["fog"]
    assert [step.severity for step in steps] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert [step.n for step in steps] == [2, 1, 1, 0, 2]
    assert [step.accuracy for step in steps] == pytest.approx([0.5, 1, 1, math.nan, 0], nan_ok=True)
    assert steps[0].reliability == pytest.approx(split.reliability[:2].mean())
    assert steps[0].confidence == pytest.approx(split.scores["MSP"][:2].mean())
    assert steps[0].auroc == metrics.auroc(split.scores["REASON"][:2], split.correct[:2])
    assert steps[0].auroc_msp == metrics.auroc(split.scores["MSP"][:2], split.correct[:2])
    assert math.isnan(steps[1].auroc)


def test_a_corruption_is_looked_at_in_the_first_split_that_has_it() -> None:
    first, second = split_of([True] * 6, FOG), split_of([False] * 7, [*FOG, ("rotate", 0.5)], kind="unseen")
    splits = {"first": first, "second": second, "letters": split_of([False], [("noise", 0.5)], kind="ood")}
    found = by_type(splits)
    assert {name: (row.n, row.accuracy, row.kind) for name, row in found.items()} == {
        "fog": (6, 1.0, "seen"),
        "rotate": (1, 0.0, "unseen"),
    }
    sweep = severity_sweep(splits)
    assert {name: sum(step.n for step in steps) for name, steps in sweep.items()} == {"fog": 6, "rotate": 1}
