"""The compression of the embedding that the embedding columns and the bank share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch.nn import functional

from reason.signals.base import Layout, State

if TYPE_CHECKING:
    from reason.base.taps import Tap
    from reason.signals.context import Context
    from reason.signals.settings import SignalSettings


@dataclass(frozen=True, slots=True)
class Pca:
    """Leading principal components of the base-train embeddings."""

    stem: ClassVar[str] = "penultimate_pca"

    mean: torch.Tensor
    """``[features]``."""
    components: torch.Tensor
    """Orthonormal rows ``[components, features]``, by falling variance."""
    deviation: torch.Tensor
    """Standard deviation along each component ``[components]``."""
    frame: torch.Tensor = field(init=False)
    """Orthonormal rows: the components, and the direction of what they leave of the mean, if anything."""

    def __post_init__(self) -> None:
        rest = self.mean - (self.mean @ self.components.T) @ self.components
        rows = [self.components]
        if rest.norm() > 1e-3 * self.mean.norm():
            rows.append(functional.normalize(rest, dim=0)[None])
        object.__setattr__(self, "frame", torch.cat(rows))

    @classmethod
    def fit(cls, embedding: torch.Tensor, components: int, seed: int) -> Pca:
        """Learn from base-train embeddings ``[n, features]``.

        Keeps at most as many components as there are images or features.
        """
        from sklearn.decomposition import PCA  # imported here: loading a bundle need not wait for it

        kept = min(components, *embedding.shape)
        model = PCA(n_components=kept, svd_solver="randomized", random_state=seed)
        model.fit(embedding.double().numpy())
        mean, rows, variance = (
            torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
            for array in (model.mean_, model.components_, model.explained_variance_)
        )
        return cls(mean, rows, variance.clamp(min=0).sqrt())

    @classmethod
    def learn(cls, context: Context) -> Pca:
        """Learn from base-train."""
        settings = context.settings
        return cls.fit(context.train.evidence.embedding, settings.pca_components, settings.seed)

    @classmethod
    def layout(cls, taps: Sequence[Tap]) -> Layout:
        """Return ``mean``, ``components`` and ``deviation``."""
        return {
            "mean": ("F32", "features"),
            "components": ("F32", "components", "features"),
            "deviation": ("F32", "components"),
        }

    @classmethod
    def check(cls, state: State, settings: SignalSettings, classes: int) -> None:
        """Refuse negative deviations.

        Raises:
            ValueError: there is one.
        """
        if bool((state["deviation"] < 0).any()):
            raise ValueError("deviation holds a negative number")

    def state(self) -> State:
        """Return ``mean``, ``components`` and ``deviation``."""
        return {"mean": self.mean, "components": self.components, "deviation": self.deviation}

    @classmethod
    def from_state(cls, state: State, context: Context) -> Pca:
        """Make the PCA from what ``state`` returned."""
        return cls(state["mean"], state["components"], state["deviation"])

    def transform(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return coordinates ``[n, components]``."""
        return (embedding - self.mean) @ self.components.T

    def directions(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return embeddings scaled to unit length, seen from the origin, in as few numbers as the components allow.

        The coordinates are those along the components and along what they leave of the mean. Inner products with
        vectors that lie in this space are exact; the length of the rest is what is missing to 1.

        Args:
            embedding: ``[n, features]``.

        Returns:
            ``[n, components + 1]``; ``[n, components]`` where the mean lies in the components' space.
        """
        scaled: torch.Tensor = (embedding @ self.frame.T) / embedding.norm(dim=1, keepdim=True).clamp(min=1e-6)
        return scaled
