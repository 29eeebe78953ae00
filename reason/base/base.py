"""What the rest of the house reads of a base classifier, whichever way it is carried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch

from reason.base.head import Head
from reason.base.taps import Tap


class BaseClassifier(Protocol):
    """A base classifier that an engine runs: a PyTorch network, an exported graph, or one that ran elsewhere."""

    taps: tuple[Tap, ...]
    """Layers whose outputs are kept."""
    dropout: float
    """Rate of the dropout before the head, in [0, 1)."""

    @property
    def features(self) -> int:
        """Width of the embedding."""
        ...

    @property
    def classes(self) -> int:
        """Number of logits."""
        ...

    def arrays(self) -> Mapping[str, torch.Tensor]:
        """Return what a bundle stores of it, by name."""
        ...

    def classifier_head(self) -> Head:
        """Return the last layer as the signals read it: on the CPU, where evidence is."""
        ...


def compact(tensor: torch.Tensor) -> torch.Tensor:
    """Return a weight as bundles store it: in half precision where that changes nothing, else in single precision."""
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if torch.equal(half.to(tensor.dtype), tensor) else tensor.float()
