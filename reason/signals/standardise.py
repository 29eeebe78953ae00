"""Columns in standard deviations, as every model on the meta-vector reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

CLIP = 5.0
"""Standardised columns are clipped to +- this many deviations, so that no outlier can dominate."""

SMALLEST_DEVIATION = 1e-6
"""Smaller deviations are taken for this one, so that a column that never varies is not divided by 0."""


@dataclass(frozen=True, slots=True)
class Standardisation:
    """Mean and standard deviation of each column, and where the result is clipped."""

    mean: torch.Tensor
    """``[columns]``."""
    deviation: torch.Tensor
    """``[columns]``, above 0."""
    limit: torch.Tensor = field(default_factory=lambda: torch.tensor(CLIP))
    """Largest absolute value that is returned, a scalar."""

    @classmethod
    def fit(cls, vectors: torch.Tensor) -> Standardisation:
        """Take mean and deviation of meta-vectors ``[n, columns]``."""
        return cls(vectors.mean(dim=0), vectors.std(dim=0).clamp(min=SMALLEST_DEVIATION))

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return columns ``[n, columns]`` in standard deviations from the mean, clipped to +- ``limit``."""
        return ((vectors - self.mean) / self.deviation).clamp(-self.limit, self.limit)
