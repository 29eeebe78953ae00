"""Signals of the penultimate embedding itself: its leading principal components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch

from reason.base.evidence import Evidence
from reason.signals.base import Column, Part, Requirement, SignalFamily
from reason.signals.pca import Pca
from reason.signals.registry import FAMILIES

if TYPE_CHECKING:
    from reason.signals.context import Context
    from reason.signals.settings import SignalSettings


@FAMILIES.register
class Embedding(SignalFamily):
    """Coordinates of the embedding along the leading principal components, each in standard deviations.

    Args:
        pca: fitted on base-train.
        size: number of leading components; at most as many as the PCA has.
    """

    name = "embedding"
    title = "Principal components"
    help = "Where the image lies in the classifier's feature space, along its leading principal components."
    raw = True
    requires = frozenset({Requirement.BANK})

    def __init__(self, pca: Pca, size: int) -> None:
        self.pca = pca
        self.size = min(size, len(pca.components))
        self.columns = tuple(
            Column(
                f"pca_{i:03d}",
                f"Component {i}",
                "deviations",
                "none",
                f"Principal component {i} of the embedding, in standard deviations.",
            )
            for i in range(1, self.size + 1)
        )

    @classmethod
    def shares(cls, settings: SignalSettings) -> tuple[type[Part], ...]:
        """The PCA."""
        return (Pca,)

    @classmethod
    def fit(cls, context: Context) -> Self:
        """Take the shared PCA."""
        return cls(context.part(Pca), context.settings.pca_columns)

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, columns]``."""
        coordinates = (evidence.embedding - self.pca.mean) @ self.pca.components[: self.size].T
        return coordinates / self.pca.deviation[: self.size].clamp(min=1e-6)
