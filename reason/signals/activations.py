"""Signals of tapped layers: what the early and late layers of the base classifier do, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from reason.base.evidence import Evidence
from reason.base.taps import Tap


class Activations:
    """Pooled outputs of the tapped layers, as they are; with mean pooling, what an auditor reads.

    Args:
        taps: the layers.
        poolings: which poolings of activation maps to read: ``mean``, ``max``, ``std``.
    """

    group = "activations"
    scalar = False

    def __init__(self, taps: Sequence[Tap], poolings: Sequence[str]) -> None:
        self.taps = tuple(taps)
        self._keys = tuple(key for tap in taps for key in tap.keys(poolings))
        self.names: tuple[str, ...] = tuple(
            f"{key}_{i:03d}" for tap in taps for key in tap.keys(poolings) for i in range(1, tap.channels + 1)
        )

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, columns]``.

        Raises:
            ValueError: the evidence comes from a network without these taps.
        """
        missing = [key for key in self._keys if key not in evidence.activations]
        if missing:
            raise ValueError(f"the activation signals need a base classifier that is tapped at {missing[0]}.")
        return torch.cat([evidence.activations[key] for key in self._keys], dim=1)
