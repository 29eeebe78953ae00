"""``reason fit`` as a user runs it: own code, killed and resumed, arrays, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from drawn_shapes import SHAPES, draw_shape, train_shape_network

from reason.cli import main
from reason.data.image_set import ImageSet

ROOT = Path(__file__).parents[2]

CODE = """
from torch import nn

from reason.base.backbones import make


def network() -> nn.Module:
    import torch

    made = make("cnn", 3, dropout=0.2)
    made.load_state_dict(torch.load("weights.pth", weights_only=True))
    return made
"""

INPUT = ("--size", "32", "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, shapes: ImageSet) -> Path:
    """A folder with code, weights and 360 labelled pictures."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "shapes_code.py").write_text(CODE)
    torch.save(train_shape_network(shapes).state_dict(), folder / "weights.pth")
    random = np.random.default_rng(7)
    for number in range(360):
        kind = folder / "photos" / SHAPES[number % 3]
        kind.mkdir(parents=True, exist_ok=True)
        draw_shape(kind.name, random).save(kind / f"{number:03d}.png")
    (folder / "photos" / SHAPES[0] / "broken.png").write_bytes(b"no picture")
    return folder


def started(place: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "reason", *words]
    return subprocess.Popen(command, cwd=place, env=environment, stdout=-1, stderr=-1, text=True)


def run(place: Path, *words: str, code: int = 0) -> str:
    process = started(place, *words)
    out, error = process.communicate(timeout=300)
    assert process.returncode == code, error
    assert "Traceback" not in error
    return out if code == 0 else error


def test_own_code_becomes_a_bundle_that_needs_none_of_it(place: Path, tmp_path: Path) -> None:
    words = ("fit", "--classifier", "shapes_code:network", "--data", "photos", "--risk", "0.3", "--copies", "1", *INPUT)
    said = run(place, *words, "-o", str(tmp_path / "mine"))
    assert "images: bank 90 (" in said
    assert "broken.png" in said
    assert "The bundle is in" in said
    picture = str(place / "photos" / SHAPES[1] / "001.png")
    verdict = json.loads(run(tmp_path, "predict", "--bundle", "mine", "--json", picture))
    assert verdict["class"] in SHAPES
    assert 0 < verdict["reliability"] < 1
    told = run(tmp_path, "info", "mine")
    assert "graph" in told
    assert "fitted on" in told
    assert not (tmp_path / ".mine.fit").exists()


def test_a_fit_that_was_killed_is_resumed_and_gives_the_same(place: Path, tmp_path: Path) -> None:
    words = ("fit", "--classifier", "shapes_code:network", "--data", "photos", "--copies", "1", "--risk", "0.3", *INPUT)
    run(place, *words, "-o", str(tmp_path / "whole" / "mine"))
    process = started(place, *words, "-o", str(tmp_path / "cut" / "mine"))
    work = tmp_path / "cut" / ".mine.fit"
    while process.poll() is None and len(list(work.glob("*.safetensors"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "cut" / "mine").exists()
    run(place, *words, "-o", str(tmp_path / "cut" / "mine"), "--resume")
    whole, cut = tmp_path / "whole" / "mine", tmp_path / "cut" / "mine"
    for file in sorted(path.name for path in whole.iterdir()):
        one, other = (whole / file).read_bytes(), (cut / file).read_bytes()
        if file == "dataset_meta.json":
            one, other = (_undated(text) for text in (one, other))
        assert one == other, file


def _undated(card: bytes) -> bytes:
    values = json.loads(card)
    del values["digest"], values["provenance"]["created"]
    return json.dumps(values).encode()


def test_arrays_of_anything_are_fitted_and_evaluated(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 1500)
    logits = random.normal(size=(1500, 4))
    logits[np.arange(1500), labels] += 2.5
    np.savez(tmp_path / "rows.npz", logits=2 * logits, labels=labels)
    said = run(tmp_path, "fit", "--arrays", "rows.npz", "-o", "mine", "--risk", "0.1")
    assert "head: " in said
    assert "of the accepted are wrong" in said
    report = json.loads(run(tmp_path, "evaluate", "mine", "--data", "rows.npz", "--json"))
    assert report["n"] == 1500


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("--data photos", 2, "give --classifier and --data, or --arrays alone"),
        ("--classifier shapes_code:nothing --data photos --size 32", 1, "shapes_code:nothing"),
        ("--classifier shapes_code:network --data photos", 1, "nothing says how pictures are prepared"),
        ("--classifier shapes_code:network --data nowhere --size 32", 1, "nowhere: there is no such file or folder"),
        ("--classifier shapes_code:network --data photos --mean 0.5,0.5,0.5", 2, "--size must say how large"),
        ("--classifier shapes_code:network --data photos --size 32 --mean a,b", 2, "--mean takes numbers"),
        ("--classifier shapes_code:network --data photos --size 32 --corruptions noize", 1, "noize"),
        ("--classifier shapes_code:network --data photos --size 32 --families softmaxx", 1, "softmaxx"),
        ("--classifier shapes_code:network --data photos --size 32 --risk 2", 2, "--risk"),
        ("--classifier shapes_code:network --data photos --size 32 --head stage9", 1, "stage9"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    place: Path, monkeypatch: pytest.MonkeyPatch, words: str, code: int, message: str
) -> None:
    monkeypatch.chdir(place)
    result = CliRunner().invoke(main, ["fit", *words.split(), "-o", "new"])
    assert result.exit_code == code, result.output
    assert message in result.output
    assert not (place / "new").exists()


def test_a_folder_of_other_things_is_not_written_over(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    words = ["fit", "--classifier", "shapes_code:network", "--data", "photos", "--size", "32", "-o", "photos"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert "holds other files and no bundle" in result.output
