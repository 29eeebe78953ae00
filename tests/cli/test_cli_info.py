"""``reason info`` says what a bundle is in lines that fit a terminal of 80 columns, and a pipe."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import reason
from reason.bundle import card
from reason.bundle.folders import CARD
from reason.cli import main
from reason.detector.detector import Detector
from reason.resources import BUNDLES


def printed(*arguments: str | os.PathLike[str]) -> str:
    found = CliRunner().invoke(main, ["info", *map(str, arguments)])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_it_says_what_the_bundle_is(bundle_folder: Path, detector: Detector) -> None:
    text = printed(bundle_folder)
    rows = {line[:14].strip(): line[14:] for line in text.splitlines() if line[:14].strip()}
    loaded = reason.load(bundle_folder)
    assert rows["name"] == "tiny"
    assert rows["digest"] == loaded.digest
    assert len(loaded.digest) == 64
    assert rows["classes"] == "3: circle, cross, square"
    assert rows["threshold"] == f"{detector.threshold:.4g}"
    assert rows["guarantee"].startswith("error rate among the accepted at most 0.2 with confidence 0.95")
    assert rows["signals"].startswith(f"{len(detector.signals.names)} columns: softmax (7), dropout (4)")
    assert text.splitlines()[-1].split() == ["clean", "0.800", "-", "-", "-", "-", "-"]


def test_json_says_everything(bundle_folder: Path) -> None:
    assert json.loads(printed("--json", bundle_folder)) == json.loads(json.dumps(reason.load(bundle_folder).describe()))


@pytest.mark.parametrize("name", ["imagenette", "mnist"])
def test_the_shipped_bundles_fit_80_columns(name: str) -> None:
    lines = printed(BUNDLES / name).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert not any(line != line.rstrip() for line in lines)


def test_many_classes_and_odd_figures_fit_too(bundle_folder: Path, tmp_path: Path) -> None:
    """A card may say anything under ``metrics``, and names may be long."""
    folder = tmp_path / "odd"
    shutil.copytree(bundle_folder, folder)
    facts = json.loads((folder / CARD).read_text(encoding="utf-8"))
    facts["provenance"]["metrics"] = {"x" * 150: [1, 2], "y": {"scores": 3, "accuracy": "high"}}
    facts["title"] = "a word " * 60
    card.write(folder / CARD, facts)
    lines = printed(folder).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].split() == ["y", "-", "-", "-", "-", "-", "-"]
