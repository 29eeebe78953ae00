"""The compression of the embedding that the embedding columns and the bank share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.decomposition import PCA


@dataclass(frozen=True, slots=True)
class Pca:
    """Leading principal components of the base-train embeddings."""

    mean: torch.Tensor
    """``[features]``."""
    components: torch.Tensor
    """Orthonormal rows ``[components, features]``, by falling variance."""
    deviation: torch.Tensor
    """Standard deviation along each component ``[components]``."""

    @classmethod
    def fit(cls, embedding: torch.Tensor, components: int, seed: int) -> Pca:
        """Learn from base-train embeddings ``[n, features]``.

        Keeps at most as many components as there are images or features.
        """
        kept = min(components, *embedding.shape)
        model = PCA(n_components=kept, svd_solver="randomized", random_state=seed)
        model.fit(embedding.double().numpy())
        mean, rows, variance = (
            torch.from_numpy(np.asarray(array, dtype=np.float32))
            for array in (model.mean_, model.components_, model.explained_variance_)
        )
        return cls(mean, rows, variance.clamp(min=0).sqrt())

    def transform(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return coordinates ``[n, components]``."""
        return (embedding - self.mean) @ self.components.T

    def residual(self, embedding: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
        """Return the length ``[n]`` of what the components do not explain."""
        total = (embedding - self.mean).square().sum(dim=1)
        rest = total - coordinates.square().sum(dim=1)
        # Below single precision the difference is rounding noise, which would be standardised as a signal.
        return rest.masked_fill(rest < 1e-5 * total, 0.0).sqrt()
