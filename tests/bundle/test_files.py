"""What a bundle's folder may be, and what its files may be: others are kept, refused or not waited for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as serialised

import reason
from reason.bundle import tensors
from reason.bundle.folders import BASE, CARD, GRAPH, META, claim
from reason.detector.detector import Detector
from reason.errors import BundleError
from reason.fitting import pipeline

from .forging import edit_card

ROOT = Path(__file__).parents[2]
OPENED = """
import sys
from pathlib import Path
import reason
from reason.base.engines import graph
for folder in sys.argv[1:]:
    for opened in (lambda: reason.load(folder), lambda: graph.read(Path(folder) / "best_base.onnx", "0" * 64)):
        try:
            opened()
        except reason.ReasonError as error:
            print(error)
"""


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that may be damaged."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "tiny"))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_of_bundles_is_not_saved_over(detector: Detector, copy: Path) -> None:
    (copy.parent / "notes.safetensors").write_bytes(b"mine")
    before = contents(copy.parent)
    with pytest.raises(BundleError, match=r"holds other files and no bundle; name a new folder"):
        reason.save(detector, copy.parent)
    with pytest.raises(BundleError, match="is not a folder"):
        reason.save(detector, copy / CARD)
    assert contents(copy.parent) == before


def test_training_refuses_such_a_folder_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    recipe = ROOT / "train" / "mnist.toml"
    with pytest.raises(BundleError, match="holds other files and no bundle"):
        pipeline.run(recipe, data_root=tmp_path / "none", output=tmp_path)


def test_an_empty_folder_may_be_saved_to(detector: Detector, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert reason.save(detector, str(tmp_path / "new")) == reason.load(tmp_path / "new").digest


def test_whatever_is_not_the_bundles_own_is_kept(detector: Detector, copy: Path) -> None:
    (copy / "notes.safetensors").write_bytes(b"mine")
    shutil.copytree(copy, copy / "older")
    (copy / "link").symlink_to("nowhere")
    stale = copy / "signals_stale.safetensors"
    stale.write_bytes(b"of the old bundle")
    edit_card(copy, lambda card: card["files"].update({stale.name: {}}))
    older = contents(copy / "older")
    reason.save(detector, copy)
    assert (copy / "notes.safetensors").read_bytes() == b"mine"
    assert contents(copy / "older") == older
    assert (copy / "link").is_symlink()
    assert not stale.exists()
    reason.load(copy)


def test_what_a_killed_save_had_put_aside_is_kept_too(detector: Detector, copy: Path) -> None:
    (copy / "MODEL_CARD.md").write_text("kept")
    copy.rename(copy.with_name(".tiny.old"))
    reason.save(detector, copy)
    assert (copy / "MODEL_CARD.md").read_text() == "kept"
    assert [path.name for path in copy.parent.iterdir()] == ["tiny"]


def test_a_bundle_is_saved_in_the_working_directory(
    detector: Detector, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy)
    reason.save(detector, ".")
    assert reason.load(copy).name == "tiny"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_pipes_and_devices_are_refused_and_not_waited_for(bundle_folder: Path, tmp_path: Path) -> None:
    folders = {kind: Path(shutil.copytree(bundle_folder, tmp_path / kind)) for kind in ("pipe", "zero")}
    for kind, folder in folders.items():
        for name in (META, GRAPH):
            (folder / name).unlink(missing_ok=True)
            if kind == "pipe":
                os.mkfifo(folder / name)
            else:
                (folder / name).symlink_to("/dev/zero")
        edit_card(folder, lambda card: card["files"][META].update(bytes=0))
    command = [sys.executable, "-c", OPENED, *map(str, folders.values())]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    expected = [f"{folder / name}: missing or unreadable; " for folder in folders.values() for name in (META, GRAPH)]
    lines = child.stdout.splitlines()
    assert len(lines) == len(expected), child.stdout
    assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True)), child.stdout


def test_a_file_that_is_replaced_between_check_and_use_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tensors._mapped

    def swapped(path: Path, seal: object) -> dict[str, torch.Tensor]:
        if path.name == BASE:
            other = {name: tensor + 1 for name, tensor in real(path, seal).items()}  # type: ignore[arg-type]
            path.with_suffix(".new").write_bytes(serialised(other))
            path.with_suffix(".new").replace(path)
        return real(path, seal)  # type: ignore[arg-type]

    monkeypatch.setattr(tensors, "_mapped", swapped)
    with pytest.raises(BundleError, match=rf"{BASE}: was replaced while it was read"):
        reason.load(copy)


def test_claiming_a_new_folder_makes_nothing(tmp_path: Path) -> None:
    claim(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_to_its_end_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a damaged disk, after the checks."""

    def failing(*_: object) -> dict[str, torch.Tensor]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(tensors, "_mapped", failing)
    with pytest.raises(BundleError, match="missing or unreadable"):
        reason.load(copy)
