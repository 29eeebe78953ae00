"""Plain models on the meta-vector: what a learned score must beat to be worth its network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from sklearn import ensemble, linear_model

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, fitted, outcomes
from reason.signals import SignalSet
from reason.signals.standardise import Standardisation

STRENGTH = 0.1
"""Inverse of the L2 penalty of logistic regressions."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Log-odds that a prediction is correct, linear in standardised columns (Cox 1958)."""

    standardise: Standardisation
    model: linear_model.LogisticRegression

    @classmethod
    def fit(cls, vectors: torch.Tensor, correct: torch.Tensor, strength: float = STRENGTH) -> LinearModel:
        """Fit to columns ``[n, columns]`` and bool outcomes ``[n]``, with ``strength`` over the L2 penalty."""
        standardise = Standardisation.fit(vectors)
        model = linear_model.LogisticRegression(C=strength, max_iter=2000)
        return cls(standardise, model.fit(standardise(vectors).numpy(), correct.numpy()))

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the log-odds, float64 ``[n]``."""
        return torch.from_numpy(self.model.decision_function(self.standardise(vectors).double().numpy()))


@SCORES.register
class LogisticRegression(ConfidenceScore):
    """Log-odds that the prediction is correct, linear in the standardised meta-vector.

    All columns count alike: none is shrunk or hidden as in the MetaNet.

    Args:
        strength: inverse of the L2 penalty.
    """

    name = "logistic regression"
    learns_from = frozenset({"meta"})
    on_meta_vector = True

    def __init__(self, strength: float = STRENGTH) -> None:
        self.strength = strength
        self.signals_: SignalSet | None = None
        self.model_: LinearModel | None = None

    def columns(self, signals: SignalSet) -> torch.Tensor:
        """Return the indices of the columns that the model reads, int64."""
        return torch.arange(len(signals.names))

    def fit(self, context: ScoreContext) -> Self:
        """Fit to whether the meta-fit predictions are correct.

        Raises:
            FitError: meta-fit lacks correct or wrong predictions.
        """
        correct = outcomes(context.meta, self.name)
        vectors = context.signals.compute(context.meta.evidence)[:, self.columns(context.signals)]
        self.signals_, self.model_ = context.signals, LinearModel.fit(vectors, correct, self.strength)
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        signals = fitted(self.signals_, self.name)
        return fitted(self.model_, self.name)(signals.compute(evidence)[:, self.columns(signals)])


@SCORES.register
class ScalarLogisticRegression(LogisticRegression):
    """The same without raw features (columns of the embedding or of activations), which mislead on unseen images."""

    name = "logistic regression, scalars"

    def columns(self, signals: SignalSet) -> torch.Tensor:
        """Return the indices of the columns that are no raw features; all where there are no others."""
        scalars = [number for number, raw in enumerate(signals.raw) if not raw]
        return torch.tensor(scalars) if scalars else super().columns(signals)


@SCORES.register
class GradientBoosting(ConfidenceScore):
    """Log-odds that the prediction is correct, by boosted trees on the meta-vector (Friedman 2001).

    Args:
        trees: number of trees.
        learning_rate: weight of each tree.
        leaves: largest number of leaves a tree.
        seed: seed of the fit.
    """

    name = "gradient boosting"
    learns_from = frozenset({"meta"})
    on_meta_vector = True

    def __init__(self, trees: int = 100, learning_rate: float = 0.05, leaves: int = 15, seed: int = 0) -> None:
        self.seed = seed
        self.trees, self.learning_rate, self.leaves = trees, learning_rate, leaves
        self.signals_: SignalSet | None = None
        self.model_: ensemble.HistGradientBoostingClassifier | None = None

    def fit(self, context: ScoreContext) -> Self:
        """Fit to whether the meta-fit predictions are correct.

        Raises:
            FitError: meta-fit lacks correct or wrong predictions.
        """
        correct = outcomes(context.meta, self.name)
        model = ensemble.HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves,
            # A split held out of so few mistakes would stop by luck.
            early_stopping=False,
            random_state=self.seed,
        )
        vectors = context.signals.compute(context.meta.evidence)
        self.signals_, self.model_ = context.signals, model.fit(vectors.numpy(), correct.numpy())
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        vectors = fitted(self.signals_, self.name).compute(evidence).numpy()
        return torch.from_numpy(fitted(self.model_, self.name).decision_function(vectors))
