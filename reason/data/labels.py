"""What is known of each image beside its pixels: its true class, its name and its corruption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch

CLEAN = "clean"
"""How images without a corruption are called."""

OOD_LABEL = -1
"""Label of images that belong to none of the classes (out of distribution): every prediction of them is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledItems:
    """What image sets and labelled evidence have in common."""

    labels: torch.Tensor
    """True classes, int64 ``[n]``: indices into the classes, or ``OOD_LABEL``."""
    sources: tuple[str, ...]
    """Name of each image inside its data set."""
    corruptions: tuple[str, ...] = ()
    """Name of each image's corruption, ``clean`` where it has none; empty when all are clean."""
    severities: torch.Tensor | None = None
    """Severity of each corruption, float32 ``[n]`` in [0, 1]; ``None`` when all are clean."""

    def __len__(self) -> int:
        return len(self.labels)

    def known(self) -> dict[str, Any]:
        """Return these four fields by name, to make something else of the same images."""
        return {name: getattr(self, name) for name in LabelledItems.__slots__}

    def take(self, rows: torch.Tensor) -> Self:
        """Return the images at these indices, int64 ``[m]``."""
        listed = rows.tolist()
        return replace(
            self,
            labels=self.labels[rows],
            sources=tuple(self.sources[row] for row in listed),
            corruptions=tuple(self.corruptions[row] for row in listed) if self.corruptions else (),
            severities=None if self.severities is None else self.severities[rows],
            **self._taken(rows),
        )

    def _taken(self, rows: torch.Tensor) -> dict[str, Any]:
        """Return the subclass's own fields of these rows."""
        return {}


def joined(blocks: Sequence[LabelledItems]) -> dict[str, Any]:
    """Return what ``LabelledItems.known`` says of all blocks, put end to end."""
    return {
        "labels": torch.cat([block.labels for block in blocks]),
        "sources": tuple(source for block in blocks for source in block.sources),
        "corruptions": tuple(name for block in blocks for name in block.corruptions or (CLEAN,) * len(block)),
        "severities": torch.cat([torch.zeros(len(b)) if b.severities is None else b.severities for b in blocks]),
    }
