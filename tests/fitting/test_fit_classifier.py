"""From a trained classifier and a folder of pictures to a detector: the whole way, and where it must stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn_shapes import SHAPES, draw_shape, shape_preprocessing, train_shape_network
from torch import nn

import reason
from reason.base.classifier import Classifier
from reason.data.image_set import ImageSet
from reason.data.images import decode
from reason.data.labels import CLEAN
from reason.detector.detector import Detector
from reason.detector.fit_record import FitSettings
from reason.errors import FitError
from reason.fitting.fit_classifier import fit_classifier
from reason.fitting.streamed import Streamed
from reason.fitting.work_folder import WorkFolder

SETTINGS = FitSettings(risk=0.2, copies=1, corruptions=("noise", "brightness"), neighbours=5)


@pytest.fixture(scope="module")
def network(shapes: ImageSet) -> nn.Module:
    """A classifier of shapes, trained on other pictures than those of the folder."""
    return train_shape_network(shapes).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """450 pictures of shapes, one subfolder a class."""
    random, place = np.random.default_rng(5), tmp_path_factory.mktemp("shapes")
    for number in range(450):
        name = SHAPES[number % 3]
        (place / name).mkdir(exist_ok=True)
        draw_shape(name, random).save(place / name / f"{number:04d}.png")
    return place


@pytest.fixture(scope="module")
def fitted(network: nn.Module, folder: Path) -> Detector:
    return reason.fit(network, folder, preprocessing=shape_preprocessing(), settings=SETTINGS)


def test_the_parts_divide_the_images_and_the_bundle_says_how(fitted: Detector) -> None:
    record = fitted.provenance.fit
    assert record is not None
    parts = (record.bank, record.meta, record.calibration, record.test)
    assert sum(part.n for part in parts) == 450
    assert [part.n for part in parts] == pytest.approx([112, 158, 112, 68], abs=3)
    assert len({part.sources_sha256 for part in parts}) == 4
    assert record.settings == SETTINGS


def test_predictions_are_those_of_the_network_itself(fitted: Detector, network: nn.Module, folder: Path) -> None:
    files = sorted(folder.rglob("*.png"))[:20]
    pixels = torch.stack([fitted.preprocessing.pixels(decode(file)) for file in files])
    with torch.no_grad():
        expected = network(fitted.preprocessing.normalise(pixels)).softmax(dim=1)
    verdicts = fitted.predict(files)
    assert [verdict.class_ for verdict in verdicts] == [SHAPES[row] for row in expected.argmax(dim=1)]
    found = torch.tensor([list(verdict.probabilities.values()) for verdict in verdicts])
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_saved_detector_judges_alike_when_it_is_loaded(fitted: Detector, folder: Path, tmp_path: Path) -> None:
    reason.save(fitted, tmp_path / "mine")
    again = reason.load(tmp_path / "mine")
    assert (again.architecture, again.engine.name) == ("graph", "onnx")
    files = sorted(folder.rglob("*.png"))[:10]
    before, after = ([verdict.reliability for verdict in one.predict(files)] for one in (fitted, again))
    assert after == pytest.approx(before, abs=1e-5)
    assert again.provenance.fit == fitted.provenance.fit
    assert again.provenance.choice == fitted.provenance.choice


def test_the_same_images_and_settings_give_the_same_detector(
    fitted: Detector, network: nn.Module, folder: Path
) -> None:
    again = reason.fit(network, folder, preprocessing=shape_preprocessing(), settings=SETTINGS)
    assert again.threshold == fitted.threshold
    assert again.calibration == fitted.calibration
    assert again.provenance.metrics == fitted.provenance.metrics


def test_pairs_in_memory_give_what_their_files_give(fitted: Detector, network: nn.Module, folder: Path) -> None:
    files = sorted(folder.rglob("*.png"))
    pairs = [(decode(file), SHAPES.index(file.parent.name)) for file in files]
    found = reason.fit(Classifier(network, shape_preprocessing()), pairs, classes=SHAPES, settings=SETTINGS)
    assert found.classes == SHAPES
    record = found.provenance.fit
    assert record is not None
    assert record.bank.n + record.meta.n + record.calibration.n + record.test.n == len(files)


def test_a_fit_that_stopped_goes_on_and_gives_the_same(
    network: nn.Module, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: dict[str, Any] = {"settings": SETTINGS}
    whole = reason.fit(Classifier(network, shape_preprocessing()), folder, **arguments, work=tmp_path / "whole")
    vectors = Streamed.vectors

    def stopping(self: Streamed, images: Any, signals: Any, title: str, *rest: Any) -> Any:
        if title == "calibration":
            raise KeyboardInterrupt
        return vectors(self, images, signals, title, *rest)

    monkeypatch.setattr(Streamed, "vectors", stopping)
    with pytest.raises(KeyboardInterrupt):
        reason.fit(Classifier(network, shape_preprocessing()), folder, **arguments, work=tmp_path / "cut")
    monkeypatch.undo()
    looks: list[str] = []
    look = Streamed._look

    def counting(self: Streamed, *rest: Any, **named: Any) -> Any:
        looks.append("look")
        return look(self, *rest, **named)

    monkeypatch.setattr(Streamed, "_look", counting)
    found = reason.fit(
        Classifier(network, shape_preprocessing()), folder, **arguments, work=tmp_path / "cut", resume=True
    )
    assert len(looks) < 20  # calibration and test alone: bank and meta-fit were kept
    for name, part in (("whole", whole), ("found", found)):
        # The date is that of each fit's own start.
        made = replace(part, provenance=replace(part.provenance, created="2026-01-01T00:00:00+00:00"))
        reason.save(made, tmp_path / f"bundle {name}")
    files = sorted(path.name for path in (tmp_path / "bundle whole").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "bundle found").iterdir())
    for file in files:
        assert (tmp_path / "bundle whole" / file).read_bytes() == (tmp_path / "bundle found" / file).read_bytes()


def test_another_fit_is_not_gone_on_with(network: nn.Module, folder: Path, tmp_path: Path) -> None:
    WorkFolder(tmp_path / "work").claim({"risk": 0.5}, ("other.png",), None)
    with pytest.raises(FitError, match="holds a fit of other data or settings; drop --resume"):
        reason.fit(Classifier(network, shape_preprocessing()), folder, work=tmp_path / "work", resume=True)


def test_classes_in_another_order_are_suspected_aloud(network: nn.Module, folder: Path) -> None:
    order = ("square", "circle", "cross")
    with pytest.raises(FitError, match=r"in another order: what is labelled .* it mostly calls"):
        reason.fit(Classifier(network, shape_preprocessing()), folder, classes=order, settings=SETTINGS)


def test_a_class_too_few_is_said_with_the_remedy(network: nn.Module, folder: Path) -> None:
    pairs = [(decode(file), SHAPES.index(file.parent.name)) for file in sorted(folder.rglob("c*/*.png"))]
    with pytest.raises(FitError, match=r"has 3 outputs, and there are 2 classes \(circle, cross\); .*--classes"):
        reason.fit(Classifier(network, shape_preprocessing()), pairs, classes=SHAPES[:2], settings=SETTINGS)


def test_images_in_both_bank_and_data_are_refused_by_name(network: nn.Module, folder: Path) -> None:
    with pytest.raises(FitError, match=r"bank and data share 450 images, such as .*png"):
        reason.fit(Classifier(network, shape_preprocessing()), folder, bank=folder, settings=SETTINGS)


def test_a_bare_network_needs_a_preprocessing(network: nn.Module, folder: Path) -> None:
    with pytest.raises(FitError, match="give a Preprocessing"):
        reason.fit(network, folder)


def test_copies_are_switched_off_and_learned_heads_with_them(network: nn.Module, folder: Path) -> None:
    plain = replace(SETTINGS, corruptions=())
    found = reason.fit(Classifier(network, shape_preprocessing()), folder, settings=plain)
    choice = found.provenance.choice
    assert choice is not None
    assert choice.shifted == 0
    assert found.head.kind == "score"
    assert list(found.provenance.metrics) == [CLEAN]


class _Sure(nn.Module):
    """Reads the class off the mean of a channel: never wrong on pictures whose channels say it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 3)
        with torch.no_grad():
            self.head.weight.copy_(20 * torch.eye(3))
            self.head.bias.zero_()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(images.mean(dim=(2, 3)))
        return logits


def test_a_classifier_without_errors_is_judged_by_its_softmax_and_certifies_nothing_it_cannot() -> None:
    random = np.random.default_rng(0)
    pairs = []
    for number in range(240):
        picture = random.integers(0, 60, (16, 16, 3), dtype=np.uint8)
        picture[:, :, number % 3] += 150
        pairs.append((picture, number % 3))
    image = replace(shape_preprocessing(), size=16)
    found = fit_classifier(
        Classifier(_Sure().eval(), image, ("red", "green", "blue")),
        pairs,
        settings=FitSettings(corruptions=(), risk=0.05),
        work=WorkFolder(None),
    )
    detector = found.detector
    assert found.record.calibration.errors == 0
    assert detector.provenance.choice is not None
    assert detector.provenance.choice.chosen == "MSP"
    assert detector.certificate is None  # 60 images are too few for 5%, however right
    assert any("too few to tell a slope" in note for note in found.record.notes)
    assert all(0.9 < verdict.reliability < 1 for verdict in detector.predict([picture for picture, _ in pairs[:9]]))
