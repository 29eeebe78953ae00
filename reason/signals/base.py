"""What every signal family offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from reason.evidence import Evidence


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


@dataclass(frozen=True, slots=True)
class Head:
    """The linear head of a base classifier, as the signals need it."""

    weight: torch.Tensor
    """``[classes, features]``."""
    bias: torch.Tensor
    """``[classes]``."""
    dropout: float
    """Rate of the dropout before the head, in [0, 1)."""


def entropy(probabilities: torch.Tensor) -> torch.Tensor:
    """Return the entropy in nats over the last dimension, which holds class probabilities."""
    summed: torch.Tensor = torch.special.entr(probabilities).sum(dim=-1)
    return summed
