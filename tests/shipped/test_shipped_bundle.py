"""The bundle that ships: whole, small, sane on pictures it never saw, and as good as its card says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import reason
from reason.detector.detector import Detector
from reason.errors import DatasetError
from reason.evaluation import splits
from reason.evaluation.baselines import make_parameter_free
from reason.evaluation.comparison import Comparison
from reason.evaluation.measures import by_type, measure
from reason.evaluation.report import CorruptionResult, SplitResult
from reason.evaluation.splits import EvaluationProtocol
from reason.fitting import recipe
from reason.resources import recipe_file

ROOT = Path(__file__).parents[2]
SAVED = ROOT / "reason_saved"
BUNDLE = SAVED / "imagenette"
STEMS = ("best_base", "best_meta_enhanced", "penultimate_pca", "knn_bank")
DATA = Path(os.environ.get("REASON_DATA", ROOT / "data"))


@pytest.fixture(scope="module")
def shipped() -> Detector:
    return reason.load(BUNDLE, exact=True)


def test_it_is_under_60_megabytes() -> None:
    assert sum(path.stat().st_size for path in BUNDLE.iterdir()) < 60e6


def test_it_has_every_promised_signal_and_file(shipped: Detector) -> None:
    scalars = {"max_probability", "entropy", "logit_gap", "top_logit_1", "top_logit_5", "dropout_probability_variance"}
    scalars |= {"knn_distance", "knn_label_agreement", "embedding_relative_distance", "shrunk_gap", "middle_similarity"}
    assert scalars <= set(shipped.signals.diagnostics)
    assert {"dataset_meta.json", *(f"{stem}.safetensors" for stem in STEMS)} <= {path.name for path in BUNDLE.iterdir()}


@pytest.mark.parametrize("name", ["imagenette", "mnist"])
def test_it_was_made_by_the_recipe_of_its_name(name: str, shipped: Detector) -> None:
    detector = shipped if name == shipped.name else reason.load(SAVED / name)
    assert detector.provenance.recipe == recipe.read(recipe_file(name))


def photos() -> list[Image.Image]:
    from skimage import data

    pictures = (data.astronaut, data.coffee, data.chelsea, data.rocket)
    return [Image.fromarray(np.asarray(picture())) for picture in pictures]


def test_verdicts_are_whole_and_a_batch_equals_its_images(shipped: Detector) -> None:
    together = shipped.predict(photos())
    for picture, verdict in zip(photos(), together, strict=True):
        (alone,) = shipped.predict([picture])
        assert alone.class_ == verdict.class_
        assert alone.decision == verdict.decision
        assert alone.reliability == pytest.approx(verdict.reliability, abs=1e-3)
        assert alone.meta_vector == pytest.approx(verdict.meta_vector, rel=5e-3, abs=5e-3)
        assert sum(verdict.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert len(verdict.meta_names) == len(verdict.meta_vector) >= 40
        assert len(verdict.neighbours) == 10


@dataclass
class Measured:
    """What a bundle reaches on its real test images."""

    splits: dict[str, SplitResult]
    by_type: dict[str, CorruptionResult]


def measured(name: str) -> Measured:
    """Measure a bundle on clean test images and as it is made for, beside the baselines that need no fit."""
    detector = reason.load(SAVED / name, exact=True)
    protocol = EvaluationProtocol.of(detector)
    try:
        test = splits.read_test(protocol, detector, DATA)
    except DatasetError as error:
        pytest.skip(str(error))
    comparison, extractor = Comparison(detector, make_parameter_free()), detector.extractor()
    scored = {
        split.name: comparison.score(extractor(split.images, split.name), split.kind)
        for split in splits.own_splits(protocol, test)
    }
    return Measured({split: measure(part, detector.threshold) for split, part in scored.items()}, by_type(scored))


@pytest.fixture(scope="module")
def photos_measured() -> Measured:
    return measured("imagenette")


@pytest.fixture(scope="module")
def digits_measured() -> Measured:
    return measured("mnist")


@pytest.mark.data
@pytest.mark.slow
def test_it_beats_the_published_detector_and_the_softmax_scores_on_the_real_test_photos(
    photos_measured: Measured,
) -> None:
    clean = photos_measured.splits["clean"]
    scores = clean.scores
    assert clean.n == 3925
    assert clean.accuracy >= 0.90
    assert scores["REASON"].auroc > 0.817
    assert scores["REASON"].ap_success > 0.954
    assert scores["REASON"].auroc >= max(scores[name].auroc for name in ("MSP", "margin", "entropy"))
    assert clean.reliability.ece_15 <= 0.03


@pytest.mark.data
@pytest.mark.slow
def test_the_auditor_beats_the_published_one_on_the_real_test_digits(digits_measured: Measured) -> None:
    """The published design, retrained and measured by this protocol; docs/results.md has its figures."""
    published = {"rotate": 0.957, "noise": 0.933, "occlude": 0.886, "shift": 0.919}
    assert digits_measured.splits["clean"].accuracy >= 0.987
    assert digits_measured.splits[splits.TARGET].scores["REASON"].auroc >= 0.970
    for name, auroc in published.items():
        assert digits_measured.by_type[name].auroc["REASON"] > auroc, name


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["imagenette", "mnist"])
def test_the_card_says_what_the_evaluation_says(name: str, request: pytest.FixtureRequest) -> None:
    """Within what another processor's order of summation can change."""
    found = request.getfixturevalue({"imagenette": "photos_measured", "mnist": "digits_measured"}[name])
    card = reason.load(SAVED / name).provenance.metrics["clean"]
    assert found.splits["clean"].accuracy == pytest.approx(card["accuracy"], abs=0.001)
    for score, numbers in card["scores"].items():
        for metric in ("auroc", "ap_success"):
            expected = pytest.approx(numbers[metric], abs=0.003)
            assert getattr(found.splits["clean"].scores[score], metric) == expected, (score, metric)
