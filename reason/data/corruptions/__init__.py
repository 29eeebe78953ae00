"""Corruptions: ways to change a picture by a severity from 0 to 1, repeatable from a seed.

Training, evaluation, the command line, the service and the page all corrupt through ``corrupt_pixels``. Lengths are
stated for a picture of 28 px and scale with the shorter side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from reason.data.corruptions.base import CORRUPTIONS, Corruption, Dice, between, corruption, per_image, scale
from reason.data.images import Prepared, Preprocessing, to_picture
from reason.errors import CorruptionError

__all__ = [
    "CORRUPTIONS",
    "PUBLISHED",
    "Corruption",
    "CorruptionRequest",
    "Dice",
    "between",
    "corrupt",
    "corrupt_pixels",
    "corruption",
    "families",
    "per_image",
    "scale",
]

PUBLISHED = ("rotate", "noise", "occlude", "shift")
"""The four of the published failure detector; their severity 0 already corrupts."""

SEEDS = 2**63
"""Seeds are at least 0 and below this."""

_VALUES_AT_A_TIME = 2**22
"""Pixel values that are corrupted together; bounds the memory of a large batch."""


def families() -> dict[str, tuple[str, ...]]:
    """Return the names of the corruptions of each family."""
    found: dict[str, list[str]] = {}
    for item in CORRUPTIONS.values():
        found.setdefault(item.family, []).append(item.name)
    return {family: tuple(names) for family, names in found.items()}


def corrupt(name: str, images: Tensor, severity: float | Tensor, seeds: int | Tensor) -> Tensor:
    """Corrupt images; what an image becomes depends on its pixels, severity and seed alone.

    The same seed at another severity keeps its draws (directions, centres, noise), so that a picture changes smoothly
    with severity. The images themselves are not changed.

    Args:
        name: a key of ``CORRUPTIONS``.
        images: float32 ``[n, c, h, w]`` in [0, 1].
        severity: in [0, 1], one for all or ``[n]``.
        seeds: at least 0, one for all or int64 ``[n]``.

    Returns:
        float32 in [0, 1], of the same shape.

    Raises:
        CorruptionError: the name is unknown, or a severity or seed is out of range.
    """
    apply = CORRUPTIONS[name].apply
    severity = torch.as_tensor(severity, dtype=torch.float64, device=images.device).expand(len(images))
    _check_severity(severity)
    _check_seeds(seeds)
    seeds = torch.as_tensor(seeds, dtype=torch.int64).expand(len(images))
    result = torch.empty_like(images)
    count = max(1, _VALUES_AT_A_TIME // max(1, math.prod(images.shape[1:])))
    for start in range(0, len(images), count):
        rows = slice(start, start + count)
        # In double precision an image comes out alike to the last bit of float32 in any batch.
        part = images[rows].double().contiguous()
        result[rows] = apply(part, severity[rows], Dice(seeds[rows], images.device)).clamp(0, 1)
    return result


def corrupt_pixels(name: str, pixels: Tensor, severity: float | Tensor, seeds: int | Tensor) -> Tensor:
    """Corrupt uint8 images ``[n, c, h, w]``, rounding to whole levels; otherwise as ``corrupt``."""
    return (corrupt(name, pixels.float() / 255, severity, seeds) * 255).round().byte()


@dataclass(frozen=True, slots=True)
class CorruptionRequest:
    """A corruption that someone asks for.

    Raises:
        CorruptionError: the name is unknown, or the severity or the seed is out of range.
    """

    name: str
    """A key of ``CORRUPTIONS``."""
    severity: float
    """In [0, 1]."""
    seed: int
    """At least 0, below 2**63."""

    def __post_init__(self) -> None:
        CORRUPTIONS[self.name]  # raises where there is none
        _check_severity(torch.tensor([self.severity], dtype=torch.float64))
        _check_seeds(self.seed)

    def pixels(self, image: Image.Image, preprocessing: Preprocessing) -> Prepared:
        """Return exactly what gets judged: the base classifier's input, corrupted; uint8 ``[channels, size, size]``."""
        return self._corrupted(preprocessing.pixels(image))

    def picture(self, image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
        """Return ``pixels`` as a picture of mode ``L`` or ``RGB``.

        Where the preprocessing squashes to the square at once, preprocessing it again changes nothing.
        """
        return to_picture(self.pixels(image, preprocessing))

    def full_size(self, image: Image.Image) -> Image.Image:
        """Return an RGB image corrupted at its own size."""
        return to_picture(self._corrupted(torch.from_numpy(np.array(image)).permute(2, 0, 1)))

    def _corrupted(self, pixels: Tensor) -> Tensor:
        return corrupt_pixels(self.name, pixels[None], self.severity, self.seed).squeeze(0)


def _check_severity(severity: Tensor) -> None:
    outside = severity[~((severity >= 0) & (severity <= 1))]
    if len(outside):
        raise CorruptionError(f"severity {outside[0].item():g}: out of range; give a number from 0 to 1.")


def _check_seeds(seeds: int | Tensor) -> None:
    for seed in np.atleast_1d(seeds).tolist():
        if not 0 <= seed < SEEDS:
            raise CorruptionError(f"seed {seed}: out of range; give a whole number from 0 to {SEEDS - 1}.")


CORRUPTIONS.load()
