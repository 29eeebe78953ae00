"""The estimator over logits and embeddings: scikit-learn's conventions, and what it says of made-up classifiers."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.utils import estimator_checks

import reason
from reason.base.evidence import Evidence
from reason.bundle.folders import CARD
from reason.detector.detector import Detector
from reason.errors import BundleError, EvidenceError, FitError, SettingsError
from reason.fitting.estimator import ReliabilityEstimator, fit_arrays
from reason.serving.models import Models
from reason.serving.settings import Settings
from reason.structure import plain

NAMES = ("cat", "dog", "owl")


def drawn(n: int, seed: int, spread: float = 1.2) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Logits and embeddings of three classes; far embeddings go with wrong logits."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)
    embedding = np.eye(3, 6)[labels] * 4 + random.normal(size=(n, 6))
    strange = random.random(n) < 0.15
    embedding[strange] += random.normal(0, 4, (int(strange.sum()), 6))
    logits = embedding[:, :3] * 1.2 + random.normal(0, spread, (n, 3)) * (1 + 2 * strange[:, None])
    return {"logits": logits, "embedding": embedding}, labels


@pytest.fixture(scope="module")
def fitted() -> ReliabilityEstimator:
    return ReliabilityEstimator(classes=NAMES, risk=0.06).fit(*drawn(3000, 0))


def test_probabilities_decisions_and_threshold_say_the_same(fitted: ReliabilityEstimator) -> None:
    rows, labels = drawn(1500, 1)
    proba = fitted.predict_proba(rows)
    assert proba.shape == (1500, 2)
    assert proba.sum(axis=1) == pytest.approx(1)
    assert fitted.classes_.tolist() == [False, True]
    accepted = fitted.predict(rows)
    assert accepted.dtype == bool
    assert accepted.tolist() == (proba[:, 1].astype(np.float32) >= np.float32(fitted.threshold_)).tolist()
    wrong = rows["logits"].argmax(axis=1)[accepted] != labels[accepted]
    assert fitted.certificate_ is not None
    assert 0.3 < accepted.mean() < 1
    assert wrong.mean() < fitted.certificate_.risk == 0.06
    assert (np.argsort(fitted.decision_function(rows)) == np.argsort(proba[:, 1].astype(np.float64))).mean() > 0.9


def test_the_report_is_that_of_other_functions_and_beats_msp(fitted: ReliabilityEstimator) -> None:
    rows, labels = drawn(3000, 2)
    report = fitted.evaluate(rows, labels)
    correct = rows["logits"].argmax(axis=1) == labels
    softmax = np.exp(rows["logits"]) / np.exp(rows["logits"]).sum(axis=1, keepdims=True)
    assert report.accuracy == pytest.approx(correct.mean())
    assert report.scores["MSP"].auroc == pytest.approx(roc_auc_score(correct, softmax.max(axis=1)), abs=1e-5)
    reliability = fitted.predict_proba(rows)[:, 1]
    assert report.brier == pytest.approx(brier_score_loss(correct, reliability))
    own = report.scores["REASON"]
    assert own.auroc == pytest.approx(roc_auc_score(correct, fitted.decision_function(rows)), abs=1e-5)
    assert own.auroc == pytest.approx(fitted.score(rows, labels))
    e = 1 - correct.mean()
    assert own.augrc == pytest.approx((1 - own.auroc) * e * (1 - e) + e**2 / 2)
    assert own.auroc_95[0] < own.auroc < own.auroc_95[1]
    assert report.scores["MSP"].lead_95[0] > 0
    assert report.ece < report.ece_msp
    assert "knn_distance" in report.scores
    assert report.to_dict()["scores"]["MSP"]["augrc"] == report.scores["MSP"].augrc
    assert str(report).splitlines()[0] == f"3000 rows, accuracy {report.accuracy:.4f}"


def test_saved_and_loaded_it_judges_alike(fitted: ReliabilityEstimator, tmp_path: Path) -> None:
    rows, _ = drawn(200, 3)
    digest = fitted.save(tmp_path / "mine")
    detector = reason.load(tmp_path / "mine")
    assert (detector.digest, detector.classes, detector.architecture) == (digest, NAMES, "arrays")
    evidence = Evidence(torch.from_numpy(rows["logits"]).float(), torch.from_numpy(rows["embedding"]).float())
    assert detector.judge(evidence).reliability.double().numpy() == pytest.approx(fitted.predict_proba(rows)[:, 1])
    again = ReliabilityEstimator.load(tmp_path / "mine")
    assert again.predict_proba(rows).tolist() == fitted.predict_proba(rows).tolist()
    assert again.choice_ == fitted.choice_
    assert again.classes == NAMES


def test_it_has_no_network_for_pictures(fitted: ReliabilityEstimator, shape_image: Image.Image) -> None:
    with pytest.raises(EvidenceError, match="has no network that looks at pictures; give their evidence to"):
        fitted.detector_.predict([shape_image])


def test_its_bundle_is_not_served(fitted: ReliabilityEstimator, tmp_path: Path) -> None:
    fitted.save(tmp_path / "mine")
    with pytest.raises(BundleError, match=r"mine: judges arrays and no pictures; use ReliabilityEstimator\.load"):
        Models(Settings(bundles=tmp_path / "mine")).load()


def test_the_bundle_of_a_network_is_no_estimator(bundle_folder: Path) -> None:
    with pytest.raises(BundleError, match=r"is the bundle of a network; read it by reason\.load"):
        ReliabilityEstimator.load(bundle_folder)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({}, "arguments must say how many features there are"),
        ({"features": 0}, "arguments must say"),
        ({"features": 10**9}, "arguments must say"),
        ({"features": True}, "arguments must say"),
        ({"features": 6, "code": "x"}, "arguments must say"),
        ({"features": 7}, "6"),
    ],
)
def test_forged_widths_are_refused(
    fitted: ReliabilityEstimator, tmp_path: Path, arguments: dict[str, Any], fault: str
) -> None:
    import json

    from reason.bundle.digest import digest_of

    fitted.save(tmp_path / "mine")
    card = json.loads((tmp_path / "mine" / CARD).read_text()) | {"arguments": arguments}
    (tmp_path / "mine" / CARD).write_text(json.dumps(card | {"digest": digest_of(card)}))
    with pytest.raises(BundleError, match=fault):
        reason.load(tmp_path / "mine")


def test_the_choice_is_kept_and_weak_data_leave_msp() -> None:
    rows, labels = drawn(500, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = ReliabilityEstimator().fit(rows["logits"], labels)
    choice = found.choice_
    assert choice is not None
    assert choice.errors < 50
    assert choice.why.startswith(f"of {choice.images} predictions {choice.errors} are wrong, and learned heads need 50")
    assert found.detector_.head.kind == "score"
    assert {"log_odds", "entropy"} < set(found.detector_.signals.names)
    assert "knn_distance" not in found.detector_.signals.names


def test_a_head_that_pays_is_chosen(fitted: ReliabilityEstimator) -> None:
    assert fitted.choice_ is not None
    assert fitted.detector_.head.kind in ("logistic", "metanet")
    assert fitted.choice_.shifted == 0


def test_a_bank_of_ones_own_leaves_more_rows_to_learn_from() -> None:
    rows, labels = drawn(1500, 5)
    bank, of_bank = drawn(900, 6)
    found = ReliabilityEstimator().fit(rows, labels, bank=bank | {"labels": of_bank})
    assert found.choice_ is not None
    assert found.choice_.images == round(0.6 * 1500)
    assert len(found.detector_.signals.state()["knn_bank"]["labels"]) == 900
    with pytest.raises(FitError, match="bank has embeddings of another width than X"):
        ReliabilityEstimator().fit(rows, labels, bank={"logits": bank["logits"], "labels": of_bank})


def test_few_errors_are_warned_of() -> None:
    rows, labels = drawn(700, 7, spread=0.8)
    with pytest.warns(UserWarning, match=r"^calibration: 18 of 280 predictions are wrong, so that what comes of "):
        ReliabilityEstimator().fit(rows["logits"], labels)


def test_of_a_strong_classifier_the_softmax_is_kept_and_shifted_to_its_accuracy() -> None:
    """Three wrong rows of 600: MSP judges, by its own log-odds, at the accuracy of the calibration rows."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 1, (600, 3)) + 8 * np.eye(3)[random.integers(0, 3, 600)]
    labels = logits.argmax(axis=1)
    labels[:3] = (labels[:3] + 1) % 3
    with pytest.warns(UserWarning, match=r"^(meta|calibration): [0-3] of \d+ predictions are wrong"):
        found = ReliabilityEstimator().fit(logits, labels)
    assert found.choice_ is not None
    assert found.choice_.chosen == "MSP"
    detector = found.detector_
    assert detector.calibration.slope == 1
    sample = detector.calibration_sample
    assert sample is not None
    expected = (sample.correct.sum() + 1) / (len(sample.correct) + 2)
    assert sample.reliability.mean() == pytest.approx(expected, abs=1e-4)


def test_one_call_fits_a_file(tmp_path: Path) -> None:
    rows, labels = drawn(1500, 8)
    np.savez(tmp_path / "train.npz", logits=rows["logits"], embedding=rows["embedding"], labels=labels)
    detector = fit_arrays(tmp_path / "train.npz", risk=0.2, name="mine")
    assert isinstance(detector, Detector)
    same = ReliabilityEstimator(risk=0.2, name="mine").fit(rows, labels).detector_
    assert detector.threshold == same.threshold
    assert plain(detector.provenance.choice) == plain(same.provenance.choice)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"logits": lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)},
            "^the logits are probabilities",
        ),
        ({"logits": lambda x: np.where(x > 5, np.nan, x)}, r"^logits holds \d+ numbers that are NaN or infinite"),
        ({"logits": lambda x: x * 1e12}, "^logits holds numbers above 1e"),
        ({"logits": lambda x: x[:, :1]}, r"^logits must be \[n, classes\] with at least one row and two classes"),
        (
            {"embedding": lambda x: x[:-1]},
            r"^embedding must be \[300, features\] with at least two features, not ",
        ),
        ({"embedding": lambda x: [["a"]] * 300}, "^embedding must be an array of numbers"),
    ],
)
def test_arrays_that_are_no_logits_are_refused(change: dict[str, Any], message: str) -> None:
    rows, labels = drawn(300, 9)
    changed = rows | {key: how(rows[key]) for key, how in change.items()}
    with pytest.raises(FitError, match=message):
        ReliabilityEstimator().fit(changed, labels)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (lambda y: y[:-1], r"^y must hold one true class a row, \[300\], not \[299\]"),
        (lambda y: y + 1, "^y must be from 0 to 2, a column of the logits each, and goes from 1 to 3"),
        (lambda y: np.array(["cat"] * 299 + ["cow"]), "^y holds 'cow', which is no class"),
        (lambda y: y + 0.5, "^y holds '[012].5', which is no class"),
        (lambda y: y * 0, "^y holds one class only"),
        (lambda y: None, "^true classes are missing: give y, or an array called 'labels'"),
    ],
)
def test_classes_that_are_none_are_refused(y: Any, message: str) -> None:
    rows, labels = drawn(300, 9)
    with pytest.raises(FitError, match=message):
        ReliabilityEstimator(classes=NAMES).fit(rows, y(labels))


def test_a_classifier_that_is_always_right_teaches_nothing() -> None:
    rows, _ = drawn(300, 9)
    with pytest.raises(FitError, match=r"^of 300 predictions 0 are wrong, so there is nothing to learn"):
        ReliabilityEstimator().fit(rows, rows["logits"].argmax(axis=1))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"risk": 2}, SettingsError, "^risk must be in"),
        ({"head": "oracle"}, SettingsError, "^kind must be one of"),
        ({"families": ("softmx",)}, SettingsError, "did you mean softmax"),
        ({"bank_share": 1.0}, FitError, r"^bank_share must be in \(0, 1\), not 1\.0"),
        ({"classes": ("a", "b")}, FitError, "^classes are 2, and the logits have 3 columns"),
        ({"random_state": None}, FitError, "^random_state must be a whole number, not None"),
    ],
)
def test_parameters_are_checked_by_fit(parameters: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ReliabilityEstimator(**parameters).fit(*drawn(1500, 9))


def test_arrays_of_other_widths_are_refused(fitted: ReliabilityEstimator) -> None:
    rows, _ = drawn(5, 1)
    with pytest.raises(FitError, match=r"^X has 2 columns of logits, and the fit had 3"):
        fitted.predict(rows["logits"][:, :2])
    with pytest.raises(FitError, match=r"^X has 3 columns of embedding, and the fit had 6"):
        fitted.predict(rows["logits"])


def test_names_and_one_column_of_logits_will_do() -> None:
    random = np.random.default_rng(0)
    margin = random.normal(0, 2, 2000)
    y = np.where(random.random(2000) < 1 / (1 + np.exp(-margin)), "yes", "no")
    found = ReliabilityEstimator(classes=("no", "yes"), risk=0.3).fit(margin, y)
    assert found.score(margin, y) == pytest.approx(roc_auc_score((margin > 0) == (y == "yes"), abs(margin)), abs=1e-4)


def test_before_a_fit_there_is_nothing() -> None:
    with pytest.raises(NotFittedError):
        ReliabilityEstimator().predict(drawn(5, 0)[0])
    with pytest.raises(NotFittedError):
        _ = ReliabilityEstimator().threshold_


def test_it_follows_scikit_learns_conventions_of_parameters() -> None:
    """The checks that fit feed random features, which are no logits of a classifier that is ever right."""
    estimator, name = ReliabilityEstimator(risk=0.1), "ReliabilityEstimator"
    for check in (
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
    ):
        check(name, estimator)
    copied = clone(estimator).set_params(risk=0.2)
    assert (estimator.risk, copied.get_params()["risk"]) == (0.1, 0.2)


def test_the_same_seed_gives_the_same_and_parameters_are_left_alone() -> None:
    rows, labels = drawn(900, 10)
    one, other = (ReliabilityEstimator(random_state=3).fit(rows, labels) for _ in range(2))
    assert one.predict_proba(rows).tolist() == other.predict_proba(rows).tolist()
    assert one.get_params() == ReliabilityEstimator(random_state=3).get_params()
    assert dataclasses.asdict(one.detector_.signal_settings)["seed"] == 3


def test_a_class_that_the_bank_lacks_leaves_the_distances_out() -> None:
    rows, labels = drawn(900, 11)
    bank, of_bank = drawn(400, 12)
    kept = of_bank < 2
    few = {key: values[kept] for key, values in bank.items()} | {"labels": of_bank[kept]}
    found = ReliabilityEstimator().fit(rows, labels, bank=few)
    assert found.detector_.signal_settings.families == ("scores", "softmax", "neighbours")
