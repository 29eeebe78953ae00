"""The bundle that ships: whole, small, sane on pictures it never saw, and as good as its card says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import reason
from reason import evaluate
from reason.datasets import IMAGENETTE_FOLDER
from reason.detector import Detector

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "reason_saved" / "imagenette"
DATA = Path(os.environ.get("REASON_DATA", ROOT / "data"))


@pytest.fixture(scope="module")
def shipped() -> Detector:
    return reason.load(BUNDLE)


def test_it_is_under_60_megabytes() -> None:
    assert sum(path.stat().st_size for path in BUNDLE.iterdir()) < 60e6


def test_it_has_every_promised_signal_and_file(shipped: Detector) -> None:
    scalars = {"max_probability", "entropy", "logit_gap", "top_logit_1", "top_logit_5", "dropout_probability_variance"}
    scalars |= {"input_gradient_norm", "knn_distance", "knn_label_agreement"}
    assert scalars <= set(shipped.signals.scalars)
    assert {"best_base.pth", "best_meta_enhanced.pth", "penultimate_pca.pkl", "knn_bank.pkl", "dataset_meta.json"} <= {
        path.name for path in BUNDLE.iterdir()
    }


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


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not (DATA / IMAGENETTE_FOLDER / "val").is_dir():
        pytest.skip(f"Imagenette is not in {DATA}; set REASON_DATA")
    return evaluate.run(BUNDLE, DATA, tmp_path_factory.mktemp("plots"))


@pytest.mark.data
@pytest.mark.slow
def test_it_beats_the_published_detector_and_the_softmax_scores_on_the_real_test_photos(report: dict[str, Any]) -> None:
    clean = report["clean"]
    scores = clean["scores"]
    assert clean["n"] == 3925
    assert scores["REASON"]["auroc"] > 0.817
    assert scores["REASON"]["ap_success"] > 0.954
    assert scores["REASON"]["auroc"] >= max(scores[name]["auroc"] for name in ("MSP", "margin", "entropy"))
    assert clean["reliability"]["ece_15"] <= 0.03


@pytest.mark.data
@pytest.mark.slow
def test_the_card_says_what_the_evaluation_says(report: dict[str, Any], shipped: Detector) -> None:
    """Within what another processor's order of summation can change."""
    card = shipped.card["metrics"]["clean"]
    assert report["clean"]["accuracy"] == pytest.approx(card["accuracy"], abs=0.001)
    for score, numbers in card["scores"].items():
        for name, number in numbers.items():
            assert report["clean"]["scores"][score][name] == pytest.approx(number, abs=0.003), (score, name)
