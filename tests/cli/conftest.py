"""Pictures that the command line judges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder with three blurred pictures: a.png, b.jpg and deep/c.png."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    random = np.random.default_rng(2)
    for name in ("a.png", "b.jpg", "deep/c.png"):
        spots = Image.fromarray(random.integers(0, 256, (7, 9, 3), dtype=np.uint8))
        spots.resize((90, 70), Image.Resampling.BICUBIC).save(folder / name)
    return folder
