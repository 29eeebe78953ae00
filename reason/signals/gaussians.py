"""Gaussians of one covariance around several means, and how far a point is from them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

SMALLEST_VARIANCE = 1e-6
"""Directions with less than this share of the largest variance are left out: dead columns and rounding noise."""


@dataclass(frozen=True, slots=True)
class Gaussians:
    """Class-conditional Gaussians that share their covariance (Lee et al. 2018)."""

    means: torch.Tensor
    """``[means, features]``."""
    whitening: torch.Tensor
    """Directions over their deviations ``[features, rank]``; its square is the pseudo-inverse of the covariance."""

    @classmethod
    def fit(cls, points: torch.Tensor, labels: torch.Tensor) -> Gaussians:
        """Fit one mean a class that occurs, and the covariance around the classes' means.

        Args:
            points: float64 ``[n, features]``.
            labels: classes, int64 ``[n]``.
        """
        classes, rows = labels.unique(return_inverse=True)
        means = torch.stack([points[labels == label].mean(dim=0) for label in classes])
        centred = points - means[rows]
        variances, directions = torch.linalg.eigh(centred.T @ centred / len(centred))
        kept = variances > SMALLEST_VARIANCE * variances[-1]
        return cls(means, directions[:, kept] / variances[kept].sqrt())

    def distances(self, points: torch.Tensor) -> torch.Tensor:
        """Return the squared Mahalanobis distance to each mean ``[n, means]``."""
        centre = self.means.mean(dim=0)
        white, means = ((rows - centre) @ self.whitening for rows in (points, self.means))
        return torch.stack([(white - mean).square().sum(dim=1) for mean in means], dim=1)

    def nearest(self, points: torch.Tensor) -> torch.Tensor:
        """Return the squared Mahalanobis distance to the nearest mean ``[n]``."""
        return self.distances(points).amin(dim=1)
