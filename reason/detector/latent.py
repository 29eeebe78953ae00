"""The latent map: where in the base classifier's feature space its predictions fail, in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from reason.base.evidence import Evidence
from reason.base.taps import Tap

MOST_POINTS = 1500
"""Calibration images that the map shows at most."""


def latent_of(evidence: Evidence, taps: Sequence[Tap]) -> torch.Tensor:
    """Return what the map is drawn of ``[n, features]``: the mean activations of the taps, else the embedding."""
    if not taps:
        return evidence.embedding
    return torch.cat([evidence.activations[key] for tap in taps for key in tap.keys(("mean",))], dim=1)


@dataclass(frozen=True, slots=True)
class LatentMap:
    """Two principal components of the latent space, with the calibration images as points."""

    mean: torch.Tensor
    """``[features]``."""
    components: torch.Tensor
    """Orthonormal rows ``[2, features]``, by falling variance."""
    explained_variance: torch.Tensor
    """Share of the variance along each component ``[2]``, in [0, 1]."""
    points: torch.Tensor
    """Places of calibration images ``[m, 2]``."""
    failure_probability: torch.Tensor
    """Their ``1 - reliability`` ``[m]``, in [0, 1]."""
    correct: torch.Tensor
    """Whether their predictions are right, bool ``[m]``."""

    @classmethod
    def fit(cls, latent: torch.Tensor, reliability: torch.Tensor, correct: torch.Tensor, seed: int) -> LatentMap:
        """Draw the map of calibration images.

        Args:
            latent: what ``latent_of`` returns ``[n, features]``.
            reliability: ``[n]``, in [0, 1].
            correct: bool ``[n]``.
            seed: chooses the points when there are more than ``MOST_POINTS``.
        """
        from sklearn.decomposition import PCA  # imported here: loading a bundle need not wait for it

        model = PCA(n_components=2, svd_solver="full").fit(latent.double().numpy())
        rows = torch.from_numpy(np.random.default_rng(seed).permutation(len(latent))[:MOST_POINTS])
        mean, components, share = (
            torch.from_numpy(np.asarray(array, dtype=np.float32))
            for array in (model.mean_, model.components_, model.explained_variance_ratio_)
        )
        points = (latent[rows] - mean) @ components.T
        return cls(mean, components, share, points, 1 - reliability[rows], correct[rows])

    def place(self, latent: torch.Tensor) -> torch.Tensor:
        """Return the place ``[n, 2]`` of images on the map."""
        return (latent - self.mean) @ self.components.T

    def to_dict(self) -> dict[str, Any]:
        """Return what a page needs to draw the map, as plain JSON."""
        return {
            "points": [[round(x, 4), round(y, 4)] for x, y in self.points.tolist()],
            "failure_probability": [round(value, 4) for value in self.failure_probability.tolist()],
            "correct": self.correct.tolist(),
            "explained_variance": self.explained_variance.tolist(),
        }
