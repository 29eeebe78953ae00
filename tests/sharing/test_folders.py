"""Pushing into a folder: what the Hub would hold, and nothing of the machine that made it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from bundle.forging import Table, edit_arrays, edit_card

import reason
from reason.bundle.folders import BANK, CARD
from reason.errors import BundleError, SharingError
from reason.sharing.private import place_in
from reason.signals.texts import to_bytes


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy that may be written to."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "tiny"))


def test_a_folder_holds_what_the_hub_would(bundle_folder: Path, tmp_path: Path) -> None:
    pushed = reason.push(bundle_folder, tmp_path / "store" / "tiny")
    assert pushed.address == str(tmp_path / "store" / "tiny")
    assert reason.load(pushed.address).digest == pushed.digest
    text = (tmp_path / "store" / "tiny" / "README.md").read_text()
    assert "# Drawn shapes, for tests" in text
    assert "circle, cross, square" in text
    assert str(tmp_path) not in text
    assert pushed.digest in text


def test_what_lies_there_already(bundle_folder: Path, tmp_path: Path) -> None:
    for _ in range(2):  # a bundle makes way
        reason.push(bundle_folder, tmp_path / "one")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    with pytest.raises(BundleError, match="holds other files and no bundle"):
        reason.push(bundle_folder, tmp_path / "other")


def test_a_damaged_bundle_is_not_shared(copy: Path, tmp_path: Path) -> None:
    data = (copy / BANK).read_bytes()
    (copy / BANK).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BundleError, match=BANK):
        reason.push(copy, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def skipped(path: str) -> Any:
    part = {"n": 1, "sources_sha256": "0" * 64}
    split = {"seed": 1, "data_sha256": "0" * 64, "skipped": [path], "base": part, "meta": part, "calibration": part}

    def change(card: Table) -> None:
        card["provenance"]["split"] = split

    return change


def test_paths_of_this_machine_are_not_shared(copy: Path, tmp_path: Path) -> None:
    edit_card(copy, skipped("cat/1.png: cannot be read (/home/ann/photos/cat/1.png)."))
    with pytest.raises(SharingError, match=r"dataset_meta.json, provenance.split.skipped names '/home/ann/photos/cat"):
        reason.push(copy, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    pushed = reason.push(copy, tmp_path / "store", paths_allowed=True)
    assert pushed.digest == reason.load(copy).digest


def test_names_of_images_in_the_bank_are_looked_at(copy: Path, tmp_path: Path) -> None:
    def rename(arrays: dict[str, torch.Tensor]) -> None:
        names = [f"C:\\Users\\ann\\{row}.png" if row == 7 else f"{row}.png" for row in range(len(arrays["sources"]))]
        arrays["sources"] = to_bytes(names)

    edit_arrays(copy, BANK, rename)
    with pytest.raises(SharingError, match=re.escape(r"knn_bank.safetensors, sources names 'C:\\Users\\ann\\7.png'")):
        reason.push(copy, tmp_path / "store")


def test_model_cards_are_looked_at(copy: Path, tmp_path: Path) -> None:
    (copy / "MODEL_CARD.md").write_text("Fitted on `photos` in ~/pictures/dogs today.")
    with pytest.raises(SharingError, match=re.escape("MODEL_CARD.md names '~/pictures/dogs'")):
        reason.push(copy, tmp_path / "store")


@pytest.mark.parametrize("name", ["imagenette", "mnist"])
def test_the_shipped_bundles_hold_no_path(name: str, tmp_path: Path) -> None:
    reason.push(name, tmp_path / name)
    card = json.loads((tmp_path / name / CARD).read_text())
    readme = (tmp_path / name / "README.md").read_text()
    auroc = card["provenance"]["metrics"]["clean"]["scores"]["REASON"]["auroc"]
    assert str(auroc) in readme.split("---")[1]
    assert "](../" not in readme


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("in /home/ann/x.png", "/home/ann/x.png"),
        ("'/data/photos'", "/data/photos"),
        (r"\\server\share\x", r"\\server\share\x"),
        ("D:/photos/x", "D:/photos/x"),
        ("file:///x", "file:///x"),
        ("n02102040/ILSVRC2012_val_00000665.JPEG", None),
        ("https://example.org/a/b", None),
        ("http://127.0.0.1:5000/models/x", None),
        ("accept / review, 3/4 and n/a/b", None),
        ("[docs](../../docs/experiments.md)", None),
        ("a / b / c", None),
        ("ratio: 1/2", None),
    ],
)
def test_what_counts_as_a_path_of_a_machine(text: str, found: str | None) -> None:
    assert place_in(text) == found
