"""Taps: the layers inside a base classifier whose outputs are kept, and how their maps are pooled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

POOLINGS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean": lambda maps: maps.mean(dim=(2, 3)),
    "max": lambda maps: maps.amax(dim=(2, 3)),
    "std": lambda maps: maps.flatten(2).std(dim=2, correction=0),
}
"""How activation maps ``[n, channels, h, w]`` become ``[n, channels]``, by name."""


@dataclass(frozen=True, slots=True)
class Tap:
    """A layer inside the base classifier whose output is kept, pooled over space."""

    name: str
    """Short name, the stem of its keys and columns."""
    module: str
    """Dotted name of the layer."""
    channels: int
    """Number of channels of its output."""
    maps: bool = True
    """Whether it puts out maps ``[n, channels, h, w]``; otherwise vectors ``[n, channels]``, kept as they are."""

    def keys(self, poolings: Sequence[str]) -> tuple[str, ...]:
        """Return the keys of this tap in ``Evidence.activations``, for these poolings."""
        return tuple(f"{self.name}_{pooling}" for pooling in poolings) if self.maps else (self.name,)

    def pool(self, output: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the pooled output by key, each ``[n, channels]``."""
        if not self.maps:
            return {self.name: output}
        return {f"{self.name}_{name}": pooling(output) for name, pooling in POOLINGS.items()}
