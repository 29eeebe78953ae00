"""What every corruption is made of: its registration, its dice, and lengths that fit the picture's size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reason.errors import CorruptionError
from reason.registry import Registry

FILES = ("noise", "blur", "lighting", "frequency", "digital", "weather", "geometry", "occlusion")
"""Modules of this package that hold corruptions, in the order of tables; to add one, name it here."""

REFERENCE_SIDE = 28
"""Side in pixels of the pictures that all lengths are stated for; other sizes scale them."""


class Dice:
    """Draws random numbers for each image of a batch from that image's seed alone.

    An image gets the same draws whatever its companions, its place among them and its severity.

    Args:
        seeds: one seed an image, integers ``[n]``, at least 0.
        device: where the draws are put.
    """

    def __init__(self, seeds: Tensor, device: torch.device) -> None:
        self._generators = [np.random.default_rng(seed) for seed in seeds.tolist()]
        self._device = device

    def uniform(self, *shape: int) -> Tensor:
        """Return float64 ``[n, *shape]``, uniform in [0, 1)."""
        return self._stack([generator.random(shape) for generator in self._generators])

    def normal(self, *shape: int) -> Tensor:
        """Return float64 ``[n, *shape]`` of mean 0 and standard deviation 1."""
        return self._stack([generator.standard_normal(shape) for generator in self._generators])

    def _stack(self, draws: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]) -> Tensor:
        return torch.from_numpy(np.stack(draws)).to(self._device)


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to corrupt a picture."""

    name: str
    """Name, in snake case."""
    family: str
    """Name of the group of corruptions that work alike."""
    summary: str
    """One sentence for people: what severity changes, in units; lengths are those of a 28 px picture."""
    apply: Callable[[Tensor, Tensor, Dice], Tensor]
    """From images float64 ``[n, c, h, w]`` in [0, 1], severity float64 ``[n]`` in [0, 1] and dice to images.

    The result may leave [0, 1]; ``corrupt`` clamps it.
    """


CORRUPTIONS: Registry[Corruption] = Registry(
    "corruption",
    group="reason.corruptions",
    modules=[f"reason.data.corruptions.{file}" for file in FILES],
    accepts=lambda item: isinstance(item, Corruption),
    error=CorruptionError,
)
"""Every corruption by name, families together."""

Apply = Callable[[Tensor, Tensor, Dice], Tensor]


def corruption(family: str, summary: str) -> Callable[[Apply], Apply]:
    """Register the decorated function as a corruption of its own name; see ``Corruption`` for what it does."""

    def register(apply: Apply) -> Apply:
        CORRUPTIONS.register(Corruption(apply.__name__, family, summary, apply))
        return apply

    return register


def per_image(values: Tensor) -> Tensor:
    """Turn one value an image, ``[n]``, into ``[n, 1, 1, 1]`` so that it meets every pixel."""
    return values.view(-1, 1, 1, 1)


def scale(images: Tensor) -> float:
    """Return how many pixels of these images one pixel of a 28 px picture is; the shorter side counts."""
    return min(images.shape[2:]) / REFERENCE_SIDE


def between(start: float, end: float, severity: Tensor) -> Tensor:
    """Return the value that is ``start`` at severity 0, ``end`` at 1 and linear between."""
    return start + (end - start) * severity


def centred(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return x ``[w]`` (to the right) and y ``[h, 1]`` (downwards) of pixel centres from the middle, in pixels."""
    height, width = images.shape[2:]
    x = torch.arange(width, device=images.device, dtype=images.dtype) - (width - 1) / 2
    y = torch.arange(height, device=images.device, dtype=images.dtype) - (height - 1) / 2
    return x, y[:, None]
