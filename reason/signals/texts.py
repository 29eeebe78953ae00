"""Texts as tensors of bytes, so that a state holds tensors alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch


def to_bytes(texts: Sequence[str | bytes]) -> torch.Tensor:
    """Return the texts in UTF-8, one a row, filled up with zeros: uint8 ``[n, longest]``."""
    encoded = [text.encode() if isinstance(text, str) else text for text in texts]
    width = max([1, *map(len, encoded)])
    return torch.from_numpy(np.array(encoded, dtype=f"S{width}").view(np.uint8).reshape(len(encoded), width))


def from_bytes(rows: torch.Tensor) -> tuple[str, ...]:
    """Return what ``to_bytes`` was given.

    Raises:
        ValueError: the tensor is not uint8 ``[n, longest]``, or not UTF-8.
    """
    if rows.dtype != torch.uint8 or rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"texts must be uint8 [n, longest], not {rows.dtype} {list(rows.shape)}.")
    table = np.ascontiguousarray(rows.numpy()).view(f"S{rows.shape[1]}")[:, 0]
    return tuple(text.decode() for text in table.tolist())
