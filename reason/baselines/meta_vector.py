"""Plain models on the meta-vector: what a learned score must beat to be worth its network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import torch
from sklearn import ensemble, linear_model

from reason.baselines.base import fitted, outcomes
from reason.evidence import Evidence
from reason.fit import Labelled
from reason.metanet import CLIP, RAW
from reason.signals import Head, SignalSet


@dataclass(frozen=True, slots=True)
class _Scale:
    """Mean and standard deviation of each column."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return columns in standard deviations, clipped as the MetaNet clips them."""
        return ((vectors - self.mean) / self.deviation).clamp(-CLIP, CLIP)


class OnMetaVector(ABC):
    """A baseline that reads nothing but the meta-vector, and takes it as well where it is known already.

    Args:
        signals: fitted signals that make up the meta-vector.
    """

    name: str

    def __init__(self, signals: SignalSet) -> None:
        self.signals = signals

    def fit(self, head: Head, train: Labelled, meta: Labelled) -> Self:
        """Fit to whether the meta-fit predictions are correct.

        Raises:
            FitError: meta-fit lacks correct or wrong predictions.
        """
        return self.fit_vectors(self.signals.compute(meta.evidence), meta)

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        return self.score_vectors(self.signals.compute(evidence))

    @abstractmethod
    def fit_vectors(self, vectors: torch.Tensor, meta: Labelled) -> Self:
        """Do as ``fit`` does, with the meta-vectors of meta-fit, ``[n, columns]``."""

    @abstractmethod
    def score_vectors(self, vectors: torch.Tensor) -> torch.Tensor:
        """Do as ``score`` does, with the meta-vectors ``[n, columns]``."""


class LogisticRegression(OnMetaVector):
    """Log-odds that the prediction is correct, linear in the standardised meta-vector (Cox 1958).

    All columns count alike: none is shrunk or hidden as in the MetaNet.

    Args:
        signals: fitted signals that make up the meta-vector.
        strength: inverse of the L2 penalty.
    """

    name = "logistic regression"

    def __init__(self, signals: SignalSet, strength: float = 0.1) -> None:
        super().__init__(signals)
        self.strength = strength
        self.columns = torch.arange(len(signals.names))
        self.scale_: _Scale | None = None
        self.model_: linear_model.LogisticRegression | None = None

    def fit_vectors(self, vectors: torch.Tensor, meta: Labelled) -> Self:
        """Fit to whether the meta-fit predictions are correct."""
        correct = outcomes(meta, self.name)
        vectors = vectors[:, self.columns]
        self.scale_ = _Scale(vectors.mean(dim=0), vectors.std(dim=0).clamp(min=1e-6))
        model = linear_model.LogisticRegression(C=self.strength, max_iter=2000)
        self.model_ = model.fit(self.scale_(vectors).numpy(), correct.numpy())
        return self

    def score_vectors(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the log-odds, float64 ``[n]``."""
        standard = fitted(self.scale_, self.name)(vectors[:, self.columns])
        return torch.from_numpy(fitted(self.model_, self.name).decision_function(standard.double().numpy()))


class ScalarLogisticRegression(LogisticRegression):
    """The same without raw features (columns of the embedding or of activations), which mislead on unseen images."""

    name = "logistic regression, scalars"

    def __init__(self, signals: SignalSet, strength: float = 0.1) -> None:
        super().__init__(signals, strength)
        scalars = [number for number, group in enumerate(signals.groups) if group not in RAW]
        # Where all features are raw, as in the published auditor, there is nothing to leave out.
        self.columns = torch.tensor(scalars) if scalars else self.columns


class GradientBoosting(OnMetaVector):
    """Log-odds that the prediction is correct, by boosted trees on the meta-vector (Friedman 2001).

    Args:
        signals: fitted signals that make up the meta-vector.
        trees: number of trees.
        learning_rate: weight of each tree.
        leaves: largest number of leaves a tree.
        seed: seed of the fit.
    """

    name = "gradient boosting"

    def __init__(
        self, signals: SignalSet, trees: int = 100, learning_rate: float = 0.05, leaves: int = 15, seed: int = 0
    ) -> None:
        super().__init__(signals)
        self.seed = seed
        self.trees, self.learning_rate, self.leaves = trees, learning_rate, leaves
        self.model_: ensemble.HistGradientBoostingClassifier | None = None

    def fit_vectors(self, vectors: torch.Tensor, meta: Labelled) -> Self:
        """Fit to whether the meta-fit predictions are correct."""
        correct = outcomes(meta, self.name)
        model = ensemble.HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves,
            # A split held out of so few mistakes would stop by luck.
            early_stopping=False,
            random_state=self.seed,
        )
        self.model_ = model.fit(vectors.numpy(), correct.numpy())
        return self

    def score_vectors(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the log-odds, float64 ``[n]``."""
        return torch.from_numpy(fitted(self.model_, self.name).decision_function(vectors.numpy()))
