"""Signals of tapped layers: what the early and late layers of the base classifier do, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import torch

from reason.base.evidence import Evidence
from reason.base.taps import Tap
from reason.errors import SettingsError
from reason.signals.base import Column, Requirement, SignalFamily
from reason.signals.registry import FAMILIES

if TYPE_CHECKING:
    from reason.signals.context import Context

POOLED = {"mean": "Mean", "max": "Maximum", "std": "Standard deviation"}
"""How labels call a pooling."""


@FAMILIES.register
class Activations(SignalFamily):
    """Pooled outputs of the tapped layers, as they are; with mean pooling, what an auditor reads.

    Args:
        taps: the layers.
        poolings: which poolings of activation maps to read: ``mean``, ``max``, ``std``.
    """

    name = "activations"
    title = "Activations"
    help = "Outputs of early and late layers, channel by channel, pooled over the picture."
    raw = True
    requires = frozenset({Requirement.TAPS})

    def __init__(self, taps: Sequence[Tap], poolings: Sequence[str]) -> None:
        self.taps = tuple(taps)
        self._keys = tuple(key for tap in taps for key in tap.keys(poolings))
        self.columns = tuple(
            _column(tap, pooling, key, channel)
            for tap in taps
            for pooling, key in zip(poolings if tap.spread else ("",), tap.keys(poolings), strict=True)
            for channel in range(1, tap.channels + 1)
        )

    @classmethod
    def fit(cls, context: Context) -> Self:
        """Read all taps of the base classifier.

        Raises:
            SettingsError: it has none.
        """
        if not context.taps:
            raise SettingsError("families", "names activations, which need a base classifier with taps.")
        return cls(context.taps, context.settings.poolings)

    @property
    def read_taps(self) -> tuple[Tap, ...]:
        """All of them."""
        return self.taps

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, columns]``.

        Raises:
            ValueError: the evidence comes from a network without these taps.
        """
        missing = [key for key in self._keys if key not in evidence.activations]
        if missing:
            raise ValueError(f"the activation signals need a base classifier that is tapped at {missing[0]}.")
        return torch.cat([evidence.activations[key] for key in self._keys], dim=1)


def _column(tap: Tap, pooling: str, key: str, channel: int) -> Column:
    if tap.spread:
        label = f"{POOLED.get(pooling, pooling)} of {tap.name} {channel}"
        text = f"{POOLED.get(pooling, pooling)} over the picture of channel {channel} of the layer {tap.name}."
    else:
        label, text = f"{tap.name} {channel}", f"Output {channel} of the layer {tap.name}."
    return Column(f"{key}_{channel:03d}", label, "", "none", text, section=key)
