"""The part of the embedding that base-train does not reach, and the virtual logit made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch

from reason.base.evidence import Evidence
from reason.base.head import Head
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, fitted
from reason.signals import Requirement


@dataclass(frozen=True, slots=True)
class ResidualSpace:
    """The directions of the embedding that base-train uses least, seen from where all logits are zero."""

    origin: torch.Tensor
    """``-W^+ b`` of the head, ``[features]``."""
    directions: torch.Tensor
    """Orthonormal columns ``[features, features - principal]``."""

    @classmethod
    def fit(cls, head: Head, embedding: torch.Tensor) -> ResidualSpace:
        """Learn from base-train embeddings, float64 ``[n, features]``."""
        weight, bias = head.weights()
        origin = -torch.linalg.pinv(weight.double()) @ bias.double()
        shifted = embedding - origin
        # Eigenvalues rise, so the least used directions come first.
        _, directions = torch.linalg.eigh(shifted.T @ shifted / len(shifted))
        return cls(origin, directions[:, : embedding.shape[1] - principal_dimensions(embedding.shape[1])])

    def length(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return the length ``[n]`` of the embeddings' part in this space, >= 0; larger = less trustworthy."""
        inside = (embedding.double() - self.origin) @ self.directions
        length: torch.Tensor = torch.linalg.vector_norm(inside, dim=1)
        return length


def principal_dimensions(features: int) -> int:
    """Return how many directions base-train is taken to use, by the width of the embedding (Wang et al. 2022)."""
    if features > 1500:
        return 1000
    return 512 if features >= 768 else features // 2


@SCORES.register
class Vim(ConfidenceScore):
    """Virtual-logit matching: energy minus a virtual logit (Wang et al. 2022).

    ``ln sum_k exp z_k - a r(h)``, where r is the length of the embedding in the residual space of base-train and a
    gives it the mean size of the largest logit there.
    """

    name = "ViM"
    learns_from = frozenset({"head", "train"})
    requires = frozenset({Requirement.HEAD})

    def __init__(self) -> None:
        self.space_: ResidualSpace | None = None
        self.alpha_ = 0.0

    def fit(self, context: ScoreContext) -> Self:
        """Learn the residual space and the virtual logit's size from base-train."""
        self.space_ = ResidualSpace.fit(context.head, context.train.evidence.embedding.double())
        residual = self.space_.length(context.train.evidence.embedding)
        length = torch.linalg.vector_norm(context.train.evidence.embedding.double() - self.space_.origin, dim=1)
        # A residual of rounding noise must not be blown up to the size of a logit.
        if residual.mean() > 1e-6 * length.mean():
            self.alpha_ = float(context.train.evidence.logits.double().amax(dim=1).mean() / residual.mean())
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        residual = fitted(self.space_, self.name).length(evidence.embedding)
        return evidence.logits.double().logsumexp(dim=1) - self.alpha_ * residual
