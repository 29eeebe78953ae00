"""The literature's confidence score functions; larger = more trustworthy, always."""

from __future__ import annotations

from collections.abc import Callable

import torch

from reason.baselines.softmax import margin, msp, negative_entropy
from reason.evidence import Evidence

__all__ = ["BASELINES", "margin", "msp", "negative_entropy"]

BASELINES: dict[str, Callable[[Evidence], torch.Tensor]] = {
    "MSP": msp,
    "margin": margin,
    "entropy": negative_entropy,
}
"""Scores that need no fit, by the name that reports use."""
