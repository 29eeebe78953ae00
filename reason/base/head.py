"""The last layer of a base classifier, as signals and scores read it."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Head:
    """The last layer of a base classifier: from the embedding to the logits."""

    weight: torch.Tensor | None
    """``[classes, features]``; ``None`` where the logits are not linear in the embedding, or weights unknown."""
    bias: torch.Tensor | None
    """``[classes]``; ``None`` together with the weight."""
    dropout: float
    """Rate of the dropout before the head, in [0, 1)."""
    features: int
    """Width of the embedding."""
    classes: int
    """Number of logits."""

    @classmethod
    def linear(cls, weight: torch.Tensor, bias: torch.Tensor, dropout: float = 0.0) -> Head:
        """Return the head ``weight @ embedding + bias``; weight ``[classes, features]``, bias ``[classes]``."""
        return cls(weight, bias, dropout, weight.shape[1], weight.shape[0])

    def weights(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight and bias of a linear head.

        Raises:
            ValueError: it is not linear, or its weights are not known.
        """
        if self.weight is None or self.bias is None:
            raise ValueError("the classifier's last layer is not linear in the embedding, or weights are unknown.")
        return self.weight, self.bias
