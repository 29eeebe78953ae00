"""Batches of which each image has a corruption of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from reason.data.corruptions import corrupt_pixels
from reason.data.labels import CLEAN


def corrupt_mixed(
    types: Sequence[str],
    pixels: torch.Tensor,
    chosen: NDArray[np.int64],
    severities: torch.Tensor,
    seeds: torch.Tensor,
) -> torch.Tensor:
    """Corrupt each image in its own way; the pixels that are given are not changed.

    Args:
        types: names of corruptions.
        pixels: uint8 ``[n, c, h, w]``.
        chosen: index of each image's type; -1 leaves it as it is.
        severities: float32 ``[n]`` in [0, 1].
        seeds: int64 ``[n]``.
    """
    corrupted = pixels.clone()
    for number, name in enumerate(types):
        rows = torch.from_numpy(np.flatnonzero(chosen == number))
        corrupted[rows] = corrupt_pixels(name, pixels[rows], severities[rows], seeds[rows])
    return corrupted


def named(types: Sequence[str], chosen: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the name of each image's corruption; ``clean`` where the index is -1."""
    return tuple(CLEAN if number < 0 else types[number] for number in chosen)
