"""Bundles come back as they were, run nothing, and say what is wrong with them."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

import reason
from reason.base.backbones import make, tap
from reason.bundle import folders, tensors
from reason.detector.detector import Detector
from reason.detector.heads.metanet import MetaNet
from reason.errors import BundleError
from reason.signals import SignalSet

MAPS = Path("/proc/self/maps")


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that may be damaged."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "tiny"))


def test_a_loaded_detector_judges_as_the_saved_one(
    detector: Detector, bundle_folder: Path, shape_image: Image.Image
) -> None:
    loaded = reason.load(bundle_folder)
    before, after = detector.predict([shape_image])[0], loaded.predict([shape_image])[0]
    assert after.class_ == before.class_
    assert after.meta_names == before.meta_names
    assert after.meta_vector == pytest.approx(before.meta_vector, rel=1e-3, abs=1e-3)
    assert after.reliability == pytest.approx(before.reliability, abs=1e-4)
    assert [near.source for near in after.neighbours] == [near.source for near in before.neighbours]
    assert (loaded.threshold, loaded.certificate) == (detector.threshold, detector.certificate)


def assert_same_fields(found: Any, expected: Any) -> None:
    """Compare two dataclasses bit for bit, types of numbers included."""
    for item in dataclasses.fields(expected):
        one, other = getattr(found, item.name), getattr(expected, item.name)
        if isinstance(other, torch.Tensor | np.ndarray):
            assert one.dtype == other.dtype, item.name
            assert one.shape == other.shape, item.name
            assert bool((one == other).all()), item.name
        else:
            assert one == other, item.name


def test_every_fitted_part_comes_back_bit_for_bit(detector: Detector, bundle_folder: Path) -> None:
    loaded = reason.load(bundle_folder)
    expected = detector.signals.state()
    found = loaded.signals.state()
    assert set(found) == set(expected) == {"penultimate_pca", "knn_bank", "layer_statistics"}
    for stem, state in expected.items():
        assert set(found[stem]) == set(state)
        for key, tensor in state.items():
            assert found[stem][key].dtype == tensor.dtype, (stem, key)
            assert torch.equal(found[stem][key], tensor), (stem, key)
    assert_same_fields(loaded.calibration_sample, detector.calibration_sample)
    assert_same_fields(loaded.latent_map, detector.latent_map)
    weights = loaded.head.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in detector.head.state_dict().items())
    assert (weights["scale"] == 0).any(dim=1).tolist() == [True, False]  # one of the two members is a scalar one


def test_the_signals_come_back_in_their_order_and_compute_the_same(detector: Detector, bundle_folder: Path) -> None:
    before, after = detector.signals, reason.load(bundle_folder).signals
    assert after.names == before.names
    pixels = torch.randint(0, 256, (4, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    evidence = detector.extract(pixels)
    assert torch.equal(after.compute(evidence), before.compute(evidence))


def test_a_bundle_without_layers_needs_no_file_of_them(detector: Detector, tmp_path: Path) -> None:
    settings = dataclasses.replace(detector.signal_settings, families=("softmax",))
    signals = SignalSet.from_state(settings, detector.tapped.classifier_head(), detector.tapped.taps, {})
    net = MetaNet(len(signals.names), (4,)).eval()
    plain = dataclasses.replace(detector, signal_settings=settings, signals=signals, head=net)
    reason.save(plain, tmp_path / "plain")
    assert {path.name for path in (tmp_path / "plain").iterdir()} == folders.FILES - {
        *(folders.PCA, folders.BANK, folders.LAYERS)
    }
    assert reason.load(tmp_path / "plain").signals.names == signals.names


def test_a_bundle_with_embedding_columns_alone_needs_no_bank(detector: Detector, tmp_path: Path) -> None:
    settings = dataclasses.replace(detector.signal_settings, families=("softmax", "embedding"))
    states = detector.signals.state()
    signals = SignalSet.from_state(settings, detector.tapped.classifier_head(), detector.tapped.taps, states)
    net = MetaNet(len(signals.names), (4,)).eval()
    reason.save(dataclasses.replace(detector, signal_settings=settings, signals=signals, head=net), tmp_path / "one")
    assert not (tmp_path / "one" / folders.BANK).exists()
    assert reason.load(tmp_path / "one").signals.names == signals.names


def test_every_file_of_the_format_is_there(bundle_folder: Path) -> None:
    names = {path.name for path in bundle_folder.iterdir()}
    assert names == folders.FILES
    card = json.loads((bundle_folder / folders.CARD).read_text())
    assert set(card["files"]) == names - {folders.CARD}
    weights = safetensors.torch.load_file(bundle_folder / folders.BASE)
    assert weights["head.weight"].dtype == torch.float16


def test_a_missing_folder_and_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such bundle folder"):
        reason.load(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"dataset_meta\.json is missing"):
        reason.load(tmp_path)


def test_weights_that_half_precision_would_change_are_stored_whole(detector: Detector, tmp_path: Path) -> None:
    network = make("cnn", 3, 0.2)
    network.load_state_dict(detector.tapped.network.state_dict())
    with torch.no_grad():
        network.get_submodule("head").bias.fill_(1 / 3)  # type: ignore[operator]
    changed = Detector(**{**vars(detector), "base": tap(network, "cnn", 0.2).freeze()})
    reason.save(changed, tmp_path / "new")
    stored = safetensors.torch.load_file(tmp_path / "new" / folders.BASE)
    assert (stored["head.bias"].dtype, stored["head.weight"].dtype) == (torch.float32, torch.float16)
    again = reason.load(tmp_path / "new", engine="torch").tapped.network.state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in network.state_dict().items())


def test_saving_again_keeps_foreign_files_and_leaves_no_rubbish(detector: Detector, copy: Path) -> None:
    (copy / "MODEL_CARD.md").write_text("kept")
    reason.save(detector, copy)
    assert (copy / "MODEL_CARD.md").read_text() == "kept"
    assert [path.name for path in copy.parent.iterdir()] == ["tiny"]
    reason.load(copy)


@pytest.mark.parametrize("step", ["write", "aside", "swap"])
def test_a_save_that_dies_leaves_a_whole_bundle(
    detector: Detector, copy: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Die while writing, before the old folder is put aside, and between the two renames."""
    real = Path.rename
    calls: list[Path] = []

    def dying(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == {"aside": 1, "swap": 2}[step]:
            raise KeyboardInterrupt
        return real(path, target)

    if step == "write":
        monkeypatch.setattr(tensors, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    else:
        monkeypatch.setattr(Path, "rename", dying)
    with pytest.raises(KeyboardInterrupt):
        reason.save(detector, copy)
    monkeypatch.undo()
    assert reason.load(copy).name == "tiny"
    reason.save(detector, copy)
    assert reason.load(copy).name == "tiny"


def test_a_network_of_your_own_is_loaded_into(detector: Detector, tmp_path: Path, shape_image: Image.Image) -> None:
    own = Detector(**{**vars(detector), "architecture": "custom"})
    reason.save(own, tmp_path / "own")
    with pytest.raises(BundleError, match="give load its network and head"):
        reason.load(tmp_path / "own")
    loaded = reason.load(tmp_path / "own", network=make("cnn", 3, 0.2), head="head")
    weights = loaded.tapped.network.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in detector.tapped.network.state_dict().items())
    assert loaded.base.taps == detector.tapped.taps
    (before,), (after,) = detector.predict([shape_image]), loaded.predict([shape_image])
    assert after.reliability == pytest.approx(before.reliability, abs=1e-4)
    with pytest.raises(BundleError, match="the network that load was given does not fit"):
        reason.load(tmp_path / "own", network=torch.nn.Sequential(torch.nn.Linear(128, 3)), head="0")


@pytest.mark.skipif(not MAPS.is_file(), reason="only Linux tells what is mapped")
def test_arrays_are_mapped_so_that_processes_share_them(bundle_folder: Path) -> None:
    loaded = reason.load(bundle_folder)
    mapped = MAPS.read_text(encoding="utf-8")
    for name in (folders.META, folders.PCA, folders.BANK, folders.LAYERS):
        assert str(bundle_folder / name) in mapped
    assert loaded.digest


def test_all_bundles_of_a_folder(copy: Path) -> None:
    folder = copy.parent
    shutil.copytree(copy, folder / ".aside.old")
    shutil.copytree(copy, folder / ".tiny.old")  # its new version is complete
    shutil.copytree(copy, folder / ".half.unfinished")
    (folder / "notes").mkdir()
    assert folders.find_all(folder) == [folder / "aside", folder / "tiny"]
    assert folders.find_all(copy) == [copy]
    assert folders.find_all(folder / "aside") == [folder / "aside"]
    assert folders.find_all(folder / "notes") == folders.find_all(folder / "nowhere") == []
    assert reason.load(folder / "aside").name == "tiny"
