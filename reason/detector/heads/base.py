"""What every reliability head offers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import nn


class ReliabilityHead(nn.Module):
    """From meta-vectors to the logit of P(correct); larger = more trustworthy, not yet calibrated.

    What it learned is its ``state_dict``; ``shape`` and the names of the columns make one of the same shape again.
    """

    kind: ClassVar[str]
    """Key of ``reason.detector.heads.HEADS``."""
    shape: dict[str, Any]
    """Plain JSON that, with the names of the columns, makes a head of the same shape without weights."""

    @classmethod
    def unfitted(cls, names: Sequence[str], shape: Mapping[str, Any]) -> Self:
        """Make a head of this shape, before its state is read.

        Args:
            names: of the columns of the meta-vector.
            shape: of the kind that ``shape`` says.

        Raises:
            ValueError: the shape names a column that is not there; without a full stop.
        """
        return cls(**shape, names=names)

    @abstractmethod
    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return logits, float32 ``[n]``, of meta-vectors ``[n, columns]``."""

    def frozen(self) -> Self:
        """Switch to evaluation mode and stop all parameters from taking gradients."""
        return self.eval().requires_grad_(False)


def place_of(column: str, names: Sequence[str]) -> int:
    """Return where a column stands in the meta-vector.

    Raises:
        ValueError: it is not there; without a full stop.
    """
    if column not in names:
        raise ValueError(f"head: reads the column {column[:80]!r}, which meta_names lacks")
    return list(names).index(column)
