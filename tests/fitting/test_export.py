"""An engine runs a bundle once it was proved to judge alike; one that does not is refused in one sentence."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import reason
from reason.base.backbones import ARCHITECTURES, Architecture, tap
from reason.base.engines import choice
from reason.base.engines.openvino import has_bf16
from reason.bundle import card as cards
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.detector.detector import Detector
from reason.detector.heads.metanet import MetaNetSettings
from reason.errors import BundleError, ConfigError
from reason.fitting.export import add_engine, prove
from reason.fitting.fit_parts import fit_parts
from reason.signals import SignalSettings

SIDE, CLASSES = 20, ("a", "b", "c", "d")
FAMILIES = ("softmax", "neighbours", "views", "embedding")
REFUSAL = r"^colours: onnx does not judge as torch does on 400 calibration images, so it is not exported \("
PREPROCESSING = Preprocessing(size=SIDE, mode="RGB", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def small(classes: int, dropout: float, channels: int) -> nn.Module:
    network = nn.Sequential(nn.Conv2d(channels, 12, 5, padding=2), nn.BatchNorm2d(12), nn.ReLU())
    network.append(nn.AdaptiveAvgPool2d(1)).append(nn.Flatten()).append(nn.Dropout(dropout))
    return network.append(nn.Linear(12, classes))


ARCHITECTURE = Architecture("small", small, head="6")


@pytest.fixture(autouse=True, scope="module")
def known_architecture() -> Iterator[None]:
    with ARCHITECTURES.temporarily(ARCHITECTURE):
        yield


@pytest.fixture(scope="module")
def images() -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, len(CLASSES), (1200,), generator=generator)
    base = torch.randint(0, 256, (1200, 3, SIDE, SIDE), generator=generator)
    shade = torch.tensor([[60, 0, 0], [0, 60, 0], [0, 0, 60], [0, 0, 0]])[labels]
    faint = torch.rand(1200, 1, generator=generator)
    pixels = (base * 0.7 + (shade * faint)[:, :, None, None]).clamp(0, 255).byte()
    return ImageSet(pixels=pixels, labels=labels, sources=tuple(map(str, range(1200))), classes=CLASSES)


def trained(images: ImageSet) -> nn.Module:
    torch.manual_seed(0)
    network = small(len(CLASSES), 0.1, 3)
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    pixels = PREPROCESSING.normalise(images.pixels)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(pixels), images.labels).backward()
        optimizer.step()
    return network.eval()


@pytest.fixture(scope="module")
def made(images: ImageSet, tmp_path_factory: pytest.TempPathFactory, known_architecture: None) -> Path:
    """A bundle whose signals need no gradient."""
    rows = torch.arange(1200)
    base = tap(trained(images.take(rows[:400])), "small", 0.1).round_weights().freeze()
    detector = fit_parts(
        "colours",
        base,
        PREPROCESSING,
        CLASSES,
        bank=images.take(rows[:400]),
        meta=images.take(rows[400:800]),
        calibration=images.take(rows[800:]),
        signals=SignalSettings(families=FAMILIES, pca_components=8, pca_columns=4),
        metanet=MetaNetSettings(hidden=(8,), members=1, scalar_members=0),
        risk=0.3,
        architecture="small",
    )
    assert detector.certificate is not None
    folder = tmp_path_factory.mktemp("bundles") / "colours"
    reason.save(detector, folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "colours"))


@pytest.fixture(scope="module")
def made_for_onnx(made: Path, images: ImageSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same bundle, exported once: it takes seconds."""
    folder = Path(shutil.copytree(made, tmp_path_factory.mktemp("exported") / "colours"))
    exported(folder, images.take(torch.arange(800, 1200)), "onnx")
    return folder


@pytest.fixture
def onnx_folder(made_for_onnx: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made_for_onnx, tmp_path / "colours"))


@pytest.fixture
def calibration(images: ImageSet) -> ImageSet:
    return images.take(torch.arange(800, 1200))


def exported(folder: Path, calibration: ImageSet, *names: str) -> None:
    for name in names:
        add_engine(folder, reason.load(folder, engine="torch"), calibration.pixels, calibration.labels, name)


def reliabilities(detector: Detector, images: ImageSet) -> torch.Tensor:
    return detector.judge(detector.extract(images.pixels[:50])).reliability


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_in_single_precision_verdicts_are_those_of_torch(folder: Path, calibration: ImageSet, name: str) -> None:
    before = reason.load(folder)
    assert before.engine.name == "torch"
    exported(folder, calibration, name)
    after = reason.load(folder)
    assert after.engine.name == name
    assert (after.threshold, after.certificate) == (before.threshold, before.certificate)
    assert after.digest != before.digest
    torch.testing.assert_close(reliabilities(after, calibration), reliabilities(before, calibration), rtol=0, atol=1e-4)
    proof = after.engine_proofs[name]
    assert (proof.n, proof.agreement, proof.precision) == (400, 1.0, "fp32")
    assert proof.largest_difference <= 1e-4
    own = reason.load(folder, engine="torch")
    assert torch.equal(reliabilities(own, calibration), reliabilities(before, calibration))
    assert torch.equal(reliabilities(pickle.loads(pickle.dumps(after)), calibration), reliabilities(after, calibration))


def test_in_bf16_the_engine_has_its_own_threshold_and_certificate(onnx_folder: Path, calibration: ImageSet) -> None:
    if not has_bf16():
        pytest.skip("this processor has no bfloat16")
    exported(onnx_folder, calibration, "openvino-bf16")
    fast, exact = reason.load(onnx_folder), reason.load(onnx_folder, exact=True)
    assert (fast.engine.name, exact.engine.name) == ("openvino-bf16", "onnx")
    proof = fast.engine_proofs["openvino-bf16"]
    assert (fast.threshold, fast.certificate) == (proof.threshold, proof.certificate)
    assert proof.agreement >= 0.995
    assert fast.calibration_sample is not None
    found = fast.judge(fast.extract(calibration.pixels)).reliability.numpy()
    np.testing.assert_allclose(fast.calibration_sample.reliability, found, atol=5e-3)
    assert exact.certificate is not None
    certified = fast.calibration_sample.guarantee(exact.certificate.risk, exact.certificate.delta)
    assert certified is not None
    assert (certified.threshold, certified.certificate) == (proof.threshold, proof.certificate)
    verdict = fast.predict([calibration.pixels[0].permute(1, 2, 0).numpy()])[0]
    assert (verdict.threshold, verdict.certificate) == (proof.threshold, proof.certificate)
    with pytest.raises(BundleError, match="load it with torch to save it"):
        reason.save(fast, onnx_folder.with_name("copy"))


def test_engines_stay_proved_with_the_same_graph(onnx_folder: Path, calibration: ImageSet) -> None:
    exported(onnx_folder, calibration, "openvino")
    assert set(reason.load(onnx_folder).engine_proofs) == {"onnx", "openvino"}


def test_saving_again_drops_engines(onnx_folder: Path, calibration: ImageSet) -> None:
    detector = reason.load(onnx_folder, engine="torch")
    reason.save(detector, onnx_folder)
    assert not (onnx_folder / "best_base.onnx").exists()
    assert reason.load(onnx_folder).engine.name == "torch"


def test_an_engine_that_judges_otherwise_is_refused(onnx_folder: Path, calibration: ImageSet) -> None:
    """Its graph points at other weights, as after training went on."""
    runs_old = reason.load(onnx_folder, engine="onnx").engine
    detector = reason.load(onnx_folder, engine="torch")
    with torch.no_grad():
        detector.tapped.head.weight *= 1.3
    with pytest.raises(BundleError, match=REFUSAL) as caught:
        prove(detector, runs_old, calibration.pixels, calibration.labels)
    assert "\n" not in str(caught.value)


def test_a_proof_takes_enough_images(folder: Path, calibration: ImageSet) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    few = calibration.take(torch.arange(100))
    with pytest.raises(BundleError, match=r"not exported \(n must be at least 256, not 100\)\.$"):
        exported(folder, few, "onnx")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]


def test_signals_that_need_the_gradient_stay_with_torch(detector: Detector, bundle_folder: Path) -> None:
    with pytest.raises(ConfigError, match="need the input gradient, which the torch engine alone has"):
        add_engine(bundle_folder, detector, torch.zeros(1), torch.zeros(1), "onnx")
    assert reason.load(bundle_folder).engine.name == "torch"
    with pytest.raises(ConfigError, match="need the input gradient"):
        reason.load(bundle_folder, engine="onnx")


def test_an_engine_that_was_not_proved_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"^engine onnx: colours was not proved with it; run `reason export colours"):
        reason.load(folder, engine="onnx")


def test_an_engine_that_is_not_installed_is_refused(
    onnx_folder: Path, calibration: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    assert reason.load(onnx_folder).engine.name == "torch"
    with pytest.raises(ConfigError, match=r"pip install 'reason\[onnx\]'"):
        reason.load(onnx_folder, engine="onnx")


def test_a_graph_that_was_altered_or_is_gone_is_refused(onnx_folder: Path, calibration: ImageSet) -> None:
    graph = onnx_folder / "best_base.onnx"
    data = graph.read_bytes()
    graph.write_bytes(data[:-1] + b"?")
    with pytest.raises(BundleError, match="was altered"):
        reason.load(onnx_folder)
    graph.unlink()
    with pytest.raises(BundleError, match="missing or unreadable"):
        reason.load(onnx_folder)


@pytest.mark.parametrize("key", ["threshold", "precision", "agreement"])
def test_a_card_whose_proofs_contradict_it_is_refused(onnx_folder: Path, calibration: ImageSet, key: str) -> None:
    path = onnx_folder / "dataset_meta.json"
    values = json.loads(path.read_text())
    values["engines"]["onnx"][key] = {"threshold": 0.123, "precision": "bf16", "agreement": 0.5}[key]
    with pytest.raises(BundleError, match="engines"):
        _written_and_loaded(onnx_folder, values)


def _written_and_loaded(folder: Path, values: dict[str, Any]) -> Detector:
    cards.write(folder / "dataset_meta.json", values)
    return reason.load(folder)


def test_a_detector_of_another_engine_extracts_by_it(onnx_folder: Path, calibration: ImageSet) -> None:
    detector = reason.load(onnx_folder)
    assert detector.extractor().engine is detector.engine
    other = dataclasses.replace(detector, engine=detector.tapped)
    found, expected = (one.extractor()(calibration.take(torch.arange(20))) for one in (detector, other))
    torch.testing.assert_close(found.evidence.logits, expected.evidence.logits, rtol=1e-4, atol=1e-4)
