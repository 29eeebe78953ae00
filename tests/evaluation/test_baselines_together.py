"""All baselines on a detector that is really fitted, and the plain models on its meta-vector."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from made_up_report import report

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.base.views import VIEWS
from reason.data.image_set import ImageSet, split
from reason.detector.detector import Detector
from reason.detector.heads.metanet import MetaNetSettings
from reason.errors import FitError
from reason.evaluation import baselines
from reason.evaluation.baselines import SCORES, ConfidenceScore, ScoreContext
from reason.evaluation.baselines.meta_vector import GradientBoosting, LogisticRegression, ScalarLogisticRegression
from reason.evaluation.comparison import Comparison
from reason.evaluation.measures import measure
from reason.evaluation.tables import tables
from reason.metrics import auroc
from reason.signals import Column, Requirement, SignalFamily, SignalSet


@pytest.fixture(scope="module")
def parts(detector: Detector, shapes: ImageSet) -> list[Labelled]:
    """Base-train, meta-fit and calibration evidence of the shapes."""
    extract = detector.extractor()
    return [extract(shapes.take(rows)) for rows in split(shapes.labels, (0.4, 0.35), seed=0)]


@pytest.fixture(scope="module")
def all_fitted(detector: Detector, parts: list[Labelled]) -> list[ConfidenceScore]:
    context = ScoreContext(detector.base.classifier_head(), parts[0], parts[1], detector.signals)
    return [score.fit(context) for score in baselines.make_all(detector.signals.requires)]


def test_every_baseline_scores_a_real_detector(all_fitted: list[ConfidenceScore], parts: list[Labelled]) -> None:
    test = parts[2]
    names = [baseline.name for baseline in all_fitted]
    assert len(set(names)) == len(names) == 22
    for baseline in all_fitted:
        scores = baseline.score(test.evidence)
        assert scores.dtype == torch.float64, baseline.name
        assert scores.shape == (len(test.labels),), baseline.name
        assert torch.isfinite(scores).all(), baseline.name
        some = baseline.score(test.evidence[slice(3, 9)])
        # Squared distances to neighbours are 2 - 2 cosine: at 0.003, as here, float32 leaves a ten-thousandth of a
        # trust score to the order of sums, and the models on the meta-vector read those.
        atol = 1e-4 if baseline.on_meta_vector else 1e-6
        torch.testing.assert_close(some, scores[3:9], rtol=1e-5, atol=atol, msg=baseline.name)
    found = {b.name: auroc(b.score(test.evidence).numpy(), test.correct.numpy()) for b in all_fitted}
    for name in ("MSP", "MSP with temperature", "MaxLogit pNorm", "DOCTOR", "SIRC with norm", "logistic regression"):
        assert found[name] > 0.6, name


def test_the_scalar_regression_does_not_look_at_raw_columns(
    all_fitted: list[ConfidenceScore], parts: list[Labelled], detector: Detector
) -> None:
    (scalar,) = (one for one in all_fitted if isinstance(one, ScalarLogisticRegression))
    groups = [detector.signals.groups[column] for column in scalar.columns(detector.signals).tolist()]
    assert set(groups) == set(detector.signals.groups) - {"embedding"}
    assert scalar.model_ is not None
    assert scalar.model_.model.coef_.shape == (1, len(groups))


def test_scores_stay_finite_on_extreme_evidence(
    all_fitted: list[ConfidenceScore], parts: list[Labelled], detector: Detector
) -> None:
    features = parts[0].evidence.embedding.shape[1]
    logits = torch.tensor([[1e4, 0.0, -1e4], [0.0, 0.0, 0.0], [1e-30, 0.0, 0.0]])
    embedding = torch.stack([torch.zeros(features), torch.full((features,), 1e4), torch.full((features,), 1e-30)])
    turned = Evidence(logits=logits.flip(0), embedding=embedding.flip(0))
    extreme = Evidence(logits, embedding, torch.tensor([0.0, 1e4, 1e-30]), views=dict.fromkeys(VIEWS, turned))
    # A detector's signals may need the activations of tapped layers, which this evidence lacks.
    for baseline in (one for one in all_fitted if not one.on_meta_vector):
        assert torch.isfinite(baseline.score(extreme)).all(), baseline.name


ORDER = (
    *("MSP", "margin", "entropy", "MaxLogit", "energy", "DOCTOR", "GEN", "GradNorm"),
    *("MSP with temperature", "MaxLogit pNorm", "MC-dropout", "kNN", "Mahalanobis", "relative Mahalanobis", "ViM"),
    *("Rel-U", "SIRC with norm", "SIRC with residual", "mean over views"),
    *("logistic regression", "logistic regression, scalars", "gradient boosting"),
)
"""Of the tables."""


def test_scores_come_in_the_order_of_the_tables_fresh_each_time() -> None:
    every = set(Requirement)
    made = baselines.make_all(every)
    assert tuple(score.name for score in made) == ORDER
    assert tuple(score.name for score in baselines.literature(every)) == ORDER[:-3]
    assert tuple(score.name for score in baselines.make_parameter_free()) == ORDER[:8]
    assert not set(map(id, made)) & set(map(id, baselines.make_all(every)))


def test_what_the_evidence_does_not_hold_is_not_asked_of_it() -> None:
    assert "mean over views" not in [score.name for score in baselines.make_all(set())]


class Random(ConfidenceScore):
    """A score from outside."""

    name = "random"

    def score(self, evidence: Evidence) -> torch.Tensor:
        return torch.rand(len(evidence), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_score_that_is_asked_for_comes_last_and_once() -> None:
    assert baselines.make_all(set(), [Random])[-1].name == "random"
    with SCORES.temporarily(Random):
        assert [score.name for score in baselines.make_all(set(), [Random])].count("random") == 1


def test_a_score_that_cannot_be_computed_or_told_apart_is_one_sentence() -> None:
    class Greedy(Random):
        requires = frozenset({Requirement.VIEWS, Requirement.GRADIENT})

    class Twin(Random):
        name = "MSP"

    with pytest.raises(FitError, match="the score random reads gradient, views, which the signals of this bundle do"):
        baselines.make_all(set(), [Greedy])
    with pytest.raises(FitError, match="MSP: there is a score of this name already"):
        baselines.make_all(set(), [Twin])


def test_what_is_no_score_is_refused() -> None:
    with pytest.raises(FitError, match="cannot be used as a confidence score"):
        SCORES.resolve("math:pi")


def test_a_score_of_anothers_module_is_in_every_table(
    detector: Detector, parts: list[Labelled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_scores.py").write_text(
        """
from reason.evaluation.baselines import ConfidenceScore

class Runner(ConfidenceScore):
    \"\"\"Negative second largest logit.\"\"\"

    name = "runner-up"

    def score(self, evidence):
        return -evidence.logits.double().topk(2).values[:, 1]
"""
    )
    monkeypatch.syspath_prepend(tmp_path)
    settings = MetaNetSettings(hidden=(4,), epochs=1, members=1)
    theirs = SCORES.resolve("their_scores:Runner")
    comparison = Comparison.fit(detector, parts[0], parts[1], settings, seed=0, seeds=1, more=[theirs])
    split = measure(comparison.score(parts[2], "clean"), threshold=0.5)
    assert list(split.scores) == ["REASON", *ORDER, "runner-up"]
    assert "runner-up" in split.auroc_difference_95
    found = report(clean=split)
    rows = [row for table in tables(found) for row in table.rows if row[0] == "runner-up"]
    assert len(rows) == 5  # AUROC, AUGRC, both differences, and the clean images in detail


class Columns(SignalFamily):
    """A signal family that hands the embedding through a function."""

    name = "columns"
    columns = (Column("one", "One", "", "trust", ""), Column("two", "Two", "", "doubt", ""))

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.change = change

    def compute(self, evidence: Evidence) -> torch.Tensor:
        return self.change(evidence.embedding)


@pytest.fixture
def noisy() -> Labelled:
    """400 predictions that are right when the first column is large and the second is small, more or less."""
    random = torch.Generator().manual_seed(0)
    columns = torch.randn(400, 2, generator=random)
    chance = (2 * columns[:, 0] - columns[:, 1]).sigmoid()
    labels = (torch.rand(400, generator=random) > chance).long()
    return Labelled(Evidence(torch.tensor([[1.0, 0.0]]).repeat(400, 1), columns), labels=labels, sources=("",) * 400)


HEAD = Head.linear(torch.eye(2), torch.zeros(2), 0.0)


def test_logistic_regression_finds_the_slopes(noisy: Labelled) -> None:
    signals = SignalSet([Columns(lambda x: x)])
    model = LogisticRegression(strength=1e6).fit(ScoreContext(HEAD, noisy, noisy, signals))
    at = Evidence(logits=torch.zeros(3, 2), embedding=torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    zero, first, second = model.score(at).tolist()
    # Three standard errors of slopes fitted to 400 rows.
    assert [first - zero, second - zero] == pytest.approx([2, -1], abs=0.6)


def test_logistic_regression_does_not_depend_on_units(noisy: Labelled) -> None:
    plain, scaled = (
        LogisticRegression().fit(ScoreContext(HEAD, noisy, noisy, SignalSet([Columns(change)]))).score(noisy.evidence)
        for change in (lambda x: x, lambda x: 1000 * x + 5)
    )
    torch.testing.assert_close(plain, scaled, rtol=1e-3, atol=1e-3)


def test_gradient_boosting_ranks_what_it_learned(noisy: Labelled) -> None:
    model = GradientBoosting().fit(ScoreContext(HEAD, noisy, noisy, SignalSet([Columns(lambda x: x)])))
    assert auroc(model.score(noisy.evidence).numpy(), noisy.correct.numpy()) > 0.85


@pytest.mark.parametrize("kind", [LogisticRegression, GradientBoosting])
def test_models_need_mistakes(kind: type[LogisticRegression | GradientBoosting], noisy: Labelled) -> None:
    flawless = dataclasses.replace(noisy, labels=torch.zeros(400, dtype=torch.int64))
    with pytest.raises(FitError, match=f"{kind.name} needs correct and wrong predictions"):
        kind().fit(ScoreContext(HEAD, flawless, flawless, SignalSet([Columns(lambda x: x)])))
