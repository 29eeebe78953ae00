"""Plain models on the meta-vector: what a learned score must beat to be worth its network."""

from __future__ import annotations

from typing import Self

import torch
from sklearn import ensemble, linear_model

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.evaluation.baselines.base import fitted, outcomes
from reason.signals import SignalSet
from reason.signals.standardise import Standardisation


class LogisticRegression:
    """Log-odds that the prediction is correct, linear in the standardised meta-vector (Cox 1958).

    All columns count alike: none is shrunk or hidden as in the MetaNet.

    Args:
        signals: fitted signals that make up the meta-vector.
        strength: inverse of the L2 penalty.
    """

    name = "logistic regression"

    def __init__(self, signals: SignalSet, strength: float = 0.1) -> None:
        self.signals, self.strength = signals, strength
        self.columns = torch.arange(len(signals.names))
        self.scale_: Standardisation | None = None
        self.model_: linear_model.LogisticRegression | None = None

    def fit(self, head: Head, train: Labelled, meta: Labelled) -> Self:
        """Fit to whether the meta-fit predictions are correct.

        Raises:
            FitError: meta-fit lacks correct or wrong predictions.
        """
        correct = outcomes(meta, self.name)
        vectors = self.signals.compute(meta.evidence)[:, self.columns]
        self.scale_ = Standardisation.fit(vectors)
        model = linear_model.LogisticRegression(C=self.strength, max_iter=2000)
        self.model_ = model.fit(self.scale_(vectors).numpy(), correct.numpy())
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        standard = fitted(self.scale_, self.name)(self.signals.compute(evidence)[:, self.columns])
        return torch.from_numpy(fitted(self.model_, self.name).decision_function(standard.double().numpy()))


class ScalarLogisticRegression(LogisticRegression):
    """The same without raw features (columns of the embedding or of activations), which mislead on unseen images."""

    name = "logistic regression, scalars"

    def __init__(self, signals: SignalSet, strength: float = 0.1) -> None:
        super().__init__(signals, strength)
        scalars = [number for number, raw in enumerate(signals.raw) if not raw]
        # Where all features are raw, as in the published auditor, there is nothing to leave out.
        self.columns = torch.tensor(scalars) if scalars else self.columns


class GradientBoosting:
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
        self.signals, self.seed = signals, seed
        self.trees, self.learning_rate, self.leaves = trees, learning_rate, leaves
        self.model_: ensemble.HistGradientBoostingClassifier | None = None

    def fit(self, head: Head, train: Labelled, meta: Labelled) -> Self:
        """Fit to whether the meta-fit predictions are correct.

        Raises:
            FitError: meta-fit lacks correct or wrong predictions.
        """
        correct = outcomes(meta, self.name)
        model = ensemble.HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves,
            # A split held out of so few mistakes would stop by luck.
            early_stopping=False,
            random_state=self.seed,
        )
        self.model_ = model.fit(self.signals.compute(meta.evidence).numpy(), correct.numpy())
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        vectors = self.signals.compute(evidence).numpy()
        return torch.from_numpy(fitted(self.model_, self.name).decision_function(vectors))
