"""Labelled image sets in memory, their split into disjoint parts, and their corruption."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from reason.data.corruptions.mixed import corrupt_mixed, named
from reason.data.labels import LabelledItems


@dataclass(frozen=True, slots=True)
class ImageSet(LabelledItems):
    """Decoded images with labels, in memory."""

    pixels: torch.Tensor
    """uint8 ``[n, channels, size, size]``."""
    classes: tuple[str, ...]
    """Names of the classes; empty for images of none."""
    skipped: tuple[str, ...] = ()
    """Sentences about images that could not be decoded, and were left out."""

    def _taken(self, rows: torch.Tensor) -> dict[str, Any]:
        return {"pixels": self.pixels[rows], "skipped": ()}

    def fingerprint(self) -> str:
        """Return a SHA-256 over the names, the labels and the decoded pixels."""
        digest = hashlib.sha256("\n".join(self.sources).encode())
        digest.update(self.labels.numpy().tobytes())
        digest.update(self.pixels.numpy().tobytes())
        return digest.hexdigest()


def split(labels: torch.Tensor, shares: Sequence[float], seed: int) -> list[torch.Tensor]:
    """Split indices into disjoint parts with the same share of each class.

    Args:
        labels: int64 ``[n]``.
        shares: share of each part but the last, which takes the rest.
        seed: seed of the shuffle.

    Returns:
        One sorted int64 tensor of indices a part; together they hold every index once.
    """
    generator = torch.Generator().manual_seed(seed)
    parts: list[list[torch.Tensor]] = [[] for _ in range(len(shares) + 1)]
    for label in labels.unique():
        rows = (labels == label).nonzero().flatten()
        rows = rows[torch.randperm(len(rows), generator=generator)]
        edges = [round(sum(shares[: i + 1]) * len(rows)) for i in range(len(shares))]
        for part, chunk in zip(parts, torch.tensor_split(rows, edges), strict=True):
            part.append(chunk)
    return [torch.cat(part).sort().values for part in parts]


def corrupted(
    images: ImageSet, types: Sequence[str], seed: int, *, chance: float = 1.0, severity: float | None = None
) -> ImageSet:
    """Corrupt a set of clean images; type and severity are kept with each.

    Args:
        images: clean images.
        types: names of corruptions, drawn uniformly.
        seed: seed of every draw.
        chance: share of the images that are corrupted, in [0, 1].
        severity: of all images, in [0, 1]; drawn uniformly by default.
    """
    n = len(images)
    random = np.random.default_rng(seed)
    chosen = np.where(random.random(n) < chance, random.integers(0, len(types), n), -1)
    drawn = random.random(n) if severity is None else np.full(n, severity)
    severities = torch.from_numpy(np.where(chosen < 0, 0.0, drawn)).float()
    seeds = torch.from_numpy(random.integers(0, 2**62, n))
    pixels = corrupt_mixed(types, images.pixels, chosen, severities, seeds)
    return replace(images, pixels=pixels, corruptions=named(types, chosen), severities=severities)
