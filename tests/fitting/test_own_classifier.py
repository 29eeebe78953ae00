"""The guide to fitting your own classifier is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_shapes import SHAPES, draw_shape, train_shape_network

from reason.data.datasets import read_folder
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.errors import DatasetError

GUIDE = Path(__file__).parents[2] / "docs" / "own_classifier.md"


def test_the_guide_runs(
    shapes: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(5)
    for part, count in (("bank", 60), ("meta", 120), ("calibration", 80)):
        for shape in SHAPES:
            folder = tmp_path / "photos" / part / shape
            folder.mkdir(parents=True)
            for i in range(count):
                draw_shape(shape, random).save(folder / f"{i}.png")
    draw_shape("cross", random).save(tmp_path / "photos" / "new.png")
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"network": train_shape_network(shapes)}
    exec(code, names)
    reliability = float(capsys.readouterr().out)
    assert 0 < reliability < 1
    expected = names["detector"].predict(["photos/new.png"])[0].reliability
    assert reliability == pytest.approx(expected, abs=1e-4)


def test_a_folder_without_images_is_one_sentence(tmp_path: Path) -> None:
    preprocessing = Preprocessing(8, "RGB", (0.5,) * 3, (0.5,) * 3)
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DatasetError, match="holds no images"):
            read_folder(folder, preprocessing)
