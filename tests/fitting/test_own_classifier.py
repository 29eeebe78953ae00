"""The guide to fitting your own classifier is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_shapes import SHAPES, draw_shape, train_shape_network

import reason
from reason.data.datasets import read_folder
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.errors import DatasetError

GUIDE = Path(__file__).parents[2] / "docs" / "own_classifier.md"


def test_the_guide_runs(
    shapes: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(5)
    for number in range(360):
        folder = tmp_path / "photos" / SHAPES[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        draw_shape(folder.name, random).save(folder / f"{number}.png")
    draw_shape("cross", random).save(tmp_path / "photo.png")
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"network": train_shape_network(shapes)}
    exec(code, names)
    reliability, why = capsys.readouterr().out.splitlines()
    assert 0 < float(reliability) < 1
    assert "MSP" in why
    again = reason.load("mine")
    assert again.predict(["photo.png"])[0].reliability == pytest.approx(float(reliability), abs=1e-4)


def test_a_folder_without_images_is_one_sentence(tmp_path: Path) -> None:
    preprocessing = Preprocessing(8, "RGB", (0.5,) * 3, (0.5,) * 3)
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DatasetError, match="holds no images"):
            read_folder(folder, preprocessing)
