"""Pictures of noise, each unlike any other."""

from __future__ import annotations

import numpy as np
from PIL import Image


def noise(number: int, width: int = 12, height: int = 9) -> Image.Image:
    """Return a picture that no other number gives."""
    random = np.random.default_rng(number)
    return Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
