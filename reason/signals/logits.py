"""Signals of the classes themselves: one logit each, as what is doubtful for one class may be usual for another."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence


class Logits:
    """The logit of each class, less their mean, in the order of the classes.

    Args:
        classes: number of classes.
    """

    group = "logits"
    scalar = False

    def __init__(self, classes: int) -> None:
        self.names: tuple[str, ...] = tuple(f"class_logit_{i:03d}" for i in range(1, classes + 1))

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, classes]``."""
        return evidence.logits - evidence.logits.mean(dim=1, keepdim=True)
