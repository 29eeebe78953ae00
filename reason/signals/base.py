"""What every signal family offers."""

from __future__ import annotations

from typing import Protocol

import torch

from reason.base.evidence import Evidence


class Family(Protocol):
    """A group of columns that are computed together."""

    group: str
    """Name of the family, as recipes write it."""
    names: tuple[str, ...]
    """Name of each column."""
    scalar: bool
    """Whether each column means something by itself and is shown as a diagnostic."""

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return the columns, float32 ``[n, len(names)]``."""
        ...


def entropy(probabilities: torch.Tensor) -> torch.Tensor:
    """Return the entropy in nats over the last dimension, which holds class probabilities."""
    summed: torch.Tensor = torch.special.entr(probabilities).sum(dim=-1)
    return summed
