"""Small files of labelled images, made by the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from noise_pictures import noise


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three classes with 6, 5 and 4 PNG files, of which one class has a folder within."""
    folder = tmp_path / "photos"
    for number in range(15):
        name = ("cat", "dog", "emu")[0 if number < 6 else 1 if number < 11 else 2]
        place = folder / name / "young" if name == "dog" and number % 2 else folder / name
        place.mkdir(parents=True, exist_ok=True)
        noise(number).save(place / f"{number:02d}.png")
    return folder
