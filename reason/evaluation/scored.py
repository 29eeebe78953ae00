"""A split with everything that a comparison says about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from reason.base.evidence import Labelled
from reason.evaluation.report import SplitKind


@dataclass(frozen=True, slots=True)
class ScoredSplit:
    """A split with everything that was said about it, each computed once."""

    kind: SplitKind
    images: Labelled
    vectors: torch.Tensor
    """Meta-vectors ``[n, columns]``."""
    reliability: NDArray[np.float64]
    """``[n]``, in [0, 1]."""
    scores: dict[str, NDArray[np.float64]]
    """REASON's score and every baseline's, each ``[n]``, larger = more trustworthy."""
    ablations: frozenset[str] = frozenset()
    """Names of the scores that are plain models on REASON's own meta-vector."""
    seed_replicates: tuple[NDArray[np.float64], ...] = ()
    """REASON's score of MetaNets from further seeds, each ``[n]``."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is right ``[n]``."""
        return self.images.correct.numpy()
