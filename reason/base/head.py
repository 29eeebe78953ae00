"""The last layer of a base classifier, as signals and scores read it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from reason.base.engines import Tapped


@dataclass(frozen=True, slots=True)
class Head:
    """The linear head of a base classifier, as the signals need it."""

    weight: torch.Tensor
    """``[classes, features]``."""
    bias: torch.Tensor
    """``[classes]``."""
    dropout: float
    """Rate of the dropout before the head, in [0, 1)."""


def head_of(base: Tapped) -> Head:
    """Return the head of a base classifier as the signals read it: on the CPU, where evidence is."""
    return Head(base.head.weight.detach().cpu(), base.head.bias.detach().cpu(), base.dropout)
