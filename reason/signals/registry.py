"""The signal families by name; an installed package adds its own by the entry points group ``reason.signals``."""

from __future__ import annotations

from reason.registry import Registry
from reason.signals.base import SignalFamily

FAMILIES: Registry[type[SignalFamily]] = Registry(
    "signal family",
    group="reason.signals",
    modules=[
        f"reason.signals.{module}"
        for module in (
            *("softmax", "scores", "logits", "dropout", "gradient", "neighbours", "layers", "views", "embedding"),
            "activations",
        )
    ],
)
