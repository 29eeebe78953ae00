"""The front door of fitting: from images or evidence, with every argument checked first."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn_shapes import SHAPES, shape_preprocessing

import reason
from reason.base.extraction import Extractor
from reason.data.image_set import ImageSet, split
from reason.detector.detector import Detector
from reason.detector.heads.metanet import MetaNetSettings
from reason.errors import FitError, SettingsError
from reason.fitting.fit_parts import fit_parts
from reason.signals import SignalSettings

SMALL = MetaNetSettings(hidden=(8,), members=1)
SIGNALS = SignalSettings(families=("softmax", "gradient", "neighbours"), pca_components=4, pca_columns=2)


@pytest.fixture(scope="module")
def parts(shapes: ImageSet) -> dict[str, ImageSet]:
    rows = split(shapes.labels, (0.4, 0.35), seed=0)  # as the base classifier of the detector was trained
    return {name: shapes.take(part) for name, part in zip(("bank", "meta", "calibration"), rows, strict=True)}


def fitted(detector: Detector, parts: Any, **changes: Any) -> Detector:
    arguments = {"signals": SIGNALS, "metanet": SMALL, "risk": 0.3, **parts, **changes}
    return fit_parts("mine", detector.tapped, shape_preprocessing(), arguments.pop("classes", SHAPES), **arguments)


def test_images_and_their_evidence_give_the_same_detector(detector: Detector, parts: dict[str, ImageSet]) -> None:
    extract = Extractor(detector.tapped, shape_preprocessing(), gradient=True)
    one, other = fitted(detector, parts), fitted(detector, {name: extract(images) for name, images in parts.items()})
    assert one.threshold == other.threshold
    assert one.calibration == other.calibration
    expected = other.head.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in one.head.state_dict().items())


def test_what_is_not_named_is_said_by_the_detector(detector: Detector, parts: dict[str, ImageSet]) -> None:
    found = fitted(detector, parts)
    assert (found.title, found.architecture, found.classes) == ("mine", "custom", SHAPES)
    assert found.provenance.recipe is None
    assert found.provenance.created
    assert found.provenance.versions["torch"] == torch.__version__.partition("+")[0]
    assert found.certificate is not None
    assert (found.certificate.risk, found.certificate.delta) == (0.3, 0.05)


def test_a_risk_out_of_reach_leaves_no_certificate(detector: Detector, parts: dict[str, ImageSet]) -> None:
    found = fitted(detector, parts, risk=0.001)
    assert (found.threshold, found.certificate) == (0.999, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"risk": 0.0}, r"^risk must be in \(0, 1\), not 0\.0"),
        ({"delta": float("nan")}, r"^delta must be in \(0, 1\), not nan"),
        ({"seed": -1}, "^seed must not be negative, as -1 is"),
        ({"classes": SHAPES[:2]}, "^classes are 2, and the network has 3 outputs"),
        ({"classes": ("circle", "cross", "circle")}, "^classes must have different names"),
    ],
)
def test_settings_are_checked_before_anything_is_run(
    detector: Detector, parts: dict[str, ImageSet], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        fitted(detector, parts, **changes)


def test_images_that_do_not_fit_are_named_by_their_set(detector: Detector, parts: dict[str, ImageSet]) -> None:
    meta = parts["meta"]
    wrong = dataclasses.replace(meta, labels=meta.labels + 1)
    with pytest.raises(FitError, match=r"^meta: labels must be from 0 to 2, and go from 1 to 3"):
        fitted(detector, parts, meta=wrong)
    with pytest.raises(FitError, match=r"^calibration: holds no images"):
        fitted(detector, parts, calibration=meta.take(torch.arange(0)))
    small = dataclasses.replace(meta, pixels=meta.pixels[..., :16, :16])
    with pytest.raises(FitError, match=r"^bank: its images are 16 pixels wide, and the preprocessing makes them "):
        fitted(detector, parts, bank=small)


@pytest.mark.parametrize("kind", ["auto", "logistic", "score"])
def test_a_head_of_another_kind_is_chosen_stored_and_told_of(
    detector: Detector, parts: dict[str, ImageSet], tmp_path: Path, kind: str
) -> None:
    signals = dataclasses.replace(SIGNALS, families=("scores", "softmax", "gradient"))
    found = fitted(detector, parts, head=kind, signals=signals, architecture="cnn")
    choice = found.provenance.choice
    assert choice is not None
    assert kind in ("auto", found.head.kind)
    assert (choice.images, choice.errors) == (len(parts["meta"]), int(choice_errors(detector, parts["meta"])))
    reason.save(found, tmp_path / "mine")
    again = reason.load(tmp_path / "mine", engine="torch")
    assert again.provenance.choice == choice
    assert again.describe()["choice"]["why"] == choice.why
    evidence = detector.extractor()(parts["meta"]).evidence
    assert torch.equal(again.judge(evidence).reliability, found.judge(evidence).reliability)


def choice_errors(detector: Detector, images: ImageSet) -> int:
    return int((~detector.extractor()(images).correct).sum())


def test_a_metanet_is_no_choice_and_is_not_told_of(detector: Detector, parts: dict[str, ImageSet]) -> None:
    found = fitted(detector, parts)
    assert found.head.kind == "metanet"
    assert "choice" not in found.describe()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": "oracle"}, "^head must be auto, metanet, logistic or score, not 'oracle'"),
        ({"head": "auto"}, r"^signals\.families must name scores, which heads of the kind auto start from"),
    ],
)
def test_heads_that_cannot_be_fitted_are_refused(
    detector: Detector, parts: dict[str, ImageSet], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        fitted(detector, parts, **changes)
