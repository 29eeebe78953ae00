"""Texts as tensors of bytes, so that a state holds tensors alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

LONGEST = 4096
"""Most bytes of one text: names of images are paths, and no path is longer."""


def to_bytes(texts: Sequence[str | bytes]) -> torch.Tensor:
    """Return the texts in UTF-8, one a row, filled up with zeros: uint8 ``[n, longest]``."""
    encoded = [text.encode() if isinstance(text, str) else text for text in texts]
    width = max([1, *map(len, encoded)])
    return torch.from_numpy(np.array(encoded, dtype=f"S{width}").view(np.uint8).reshape(len(encoded), width))


def from_bytes(rows: torch.Tensor) -> tuple[str, ...]:
    """Return what ``to_bytes`` was given.

    Raises:
        ValueError: the tensor is not uint8 ``[n, longest]`` with at most ``LONGEST`` bytes a row, or not UTF-8.
    """
    if rows.dtype != torch.uint8 or rows.ndim != 2 or not 0 < rows.shape[1] <= LONGEST:
        raise ValueError(f"texts must be uint8 [n, 1 to {LONGEST}], not {rows.dtype} {list(rows.shape)}.")
    table = np.ascontiguousarray(rows.numpy()).view(f"S{rows.shape[1]}")[:, 0]
    return tuple(text.decode() for text in table.tolist())


def printable(rows: torch.Tensor, name: str) -> tuple[str, ...]:
    """Return what ``to_bytes`` was given, for people to read.

    Args:
        rows: as ``from_bytes`` takes them.
        name: what a message calls them.

    Raises:
        ValueError: they are no text, or hold characters that cannot be printed; without a full stop.
    """
    try:
        texts = from_bytes(rows)
    except ValueError:
        raise ValueError(f"{name} holds no text") from None
    if not all(text.isprintable() for text in texts):
        raise ValueError(f"{name} holds characters that cannot be printed")
    return texts
