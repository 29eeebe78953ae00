"""Signals of the classes themselves, one logit each: a value that is low for one class may be usual for another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch

from reason.base.evidence import Evidence
from reason.signals.base import Column, SignalFamily
from reason.signals.registry import FAMILIES

if TYPE_CHECKING:
    from reason.signals.context import Context


@FAMILIES.register
class Logits(SignalFamily):
    """The logit of each class, less their mean, in the order of the classes.

    Args:
        classes: number of classes.
    """

    name = "logits"
    title = "Logits of the classes"
    help = "The logit of each class, less their mean."
    diagnostic = False

    def __init__(self, classes: int) -> None:
        self.columns = tuple(
            Column(
                f"class_logit_{i:03d}",
                f"Logit of class {i}",
                "logits",
                "none",
                f"Logit of class number {i}, less the mean over all classes.",
            )
            for i in range(1, classes + 1)
        )

    @classmethod
    def fit(cls, context: Context) -> Self:
        """Count the classes."""
        return cls(context.head.classes)

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, classes]``."""
        return evidence.logits - evidence.logits.mean(dim=1, keepdim=True)
