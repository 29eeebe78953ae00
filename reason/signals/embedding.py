"""Signals of the penultimate embedding itself: its leading principal components."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence
from reason.signals.pca import Pca


class Embedding:
    """Coordinates of the embedding along the leading principal components, each in standard deviations.

    Args:
        pca: fitted on base-train.
        columns: number of leading components.
    """

    group = "embedding"
    scalar = False

    def __init__(self, pca: Pca, columns: int) -> None:
        self.pca = pca
        self.columns = min(columns, len(pca.components))
        self.names: tuple[str, ...] = tuple(f"pca_{i:03d}" for i in range(1, self.columns + 1))

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, columns]``."""
        coordinates = (evidence.embedding - self.pca.mean) @ self.pca.components[: self.columns].T
        return coordinates / self.pca.deviation[: self.columns].clamp(min=1e-6)
