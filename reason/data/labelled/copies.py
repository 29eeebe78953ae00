"""Corrupted copies of images, batch by batch: what a copy becomes does not depend on the batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from reason.data.corruptions import CORRUPTIONS
from reason.data.corruptions.mixed import corrupt_mixed, named
from reason.errors import CorruptionError


@dataclass(frozen=True, slots=True)
class Copied:
    """Corrupted copies of a batch."""

    pixels: torch.Tensor
    """uint8 ``[b, c, h, w]``."""
    corruptions: tuple[str, ...]
    """Name of each copy's corruption; ``clean`` where it has none."""
    severities: torch.Tensor
    """float32 ``[b]`` in [0, 1]; 0 where it has none."""


@dataclass(frozen=True, slots=True)
class Copies:
    """How images are corrupted.

    The corruption of a copy, its severity and its draws depend on the seed, the number of the copy and the image's name
    alone: not on the batch, its order, or where a stopped run went on. The copies of one image have different
    corruptions, until all types have had their turn.

    Raises:
        CorruptionError: there are no types, one is unknown, or chance or severity is not in [0, 1].
    """

    types: tuple[str, ...]
    """Names of corruptions, drawn uniformly."""
    seed: int
    """Of every draw."""
    chance: float = 1.0
    """Share of the copies that are corrupted; the others stay clean."""
    severity: float | None = None
    """Of all copies; drawn uniformly from [0, 1] by default."""

    def __post_init__(self) -> None:
        if not self.types:
            raise CorruptionError("no corruption is named; name at least one.")
        for name in self.types:
            CORRUPTIONS[name]  # raises where there is none
        for key, value in (("chance", self.chance), ("severity", self.severity or 0.0)):
            if not 0 <= value <= 1:
                raise CorruptionError(f"{key} {value:g}: out of range; give a number from 0 to 1.")

    def of(self, pixels: torch.Tensor, sources: Sequence[str], number: int = 0) -> Copied:
        """Corrupt preprocessed images.

        Args:
            pixels: uint8 ``[b, c, h, w]``; not changed.
            sources: name of each image.
            number: which copy this is, from 0.
        """
        draws = [self._draw(source, number) for source in sources]
        chosen = np.array([draw[0] for draw in draws], dtype=np.int64)
        severities = torch.tensor([draw[1] for draw in draws], dtype=torch.float32)
        seeds = torch.tensor([draw[2] for draw in draws], dtype=torch.int64)
        return Copied(
            corrupt_mixed(self.types, pixels, chosen, severities, seeds), named(self.types, chosen), severities
        )

    def _draw(self, source: str, number: int) -> tuple[int, float, int]:
        """Return the index of the corruption or -1, the severity, and the seed of one copy."""
        order = _generator(f"{self.seed} {source}").permutation(len(self.types))
        random = _generator(f"{self.seed} {number} {source}")
        corrupt, severity, seed = random.random() < self.chance, random.random(), int(random.integers(0, 2**62))
        if not corrupt:
            return -1, 0.0, seed
        return int(order[number % len(self.types)]), severity if self.severity is None else self.severity, seed


def _generator(words: str) -> np.random.Generator:
    digest = hashlib.sha256(words.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
