"""The literature's confidence score functions; larger = more trustworthy, always."""

from __future__ import annotations

from reason.evaluation.baselines.base import Baseline
from reason.evaluation.baselines.dropout import McDropout
from reason.evaluation.baselines.gaussian import Mahalanobis, RelativeMahalanobis
from reason.evaluation.baselines.gradnorm import GradNorm
from reason.evaluation.baselines.logits import Energy, MaxLogit, MaxLogitPNorm
from reason.evaluation.baselines.meta_vector import GradientBoosting, LogisticRegression, ScalarLogisticRegression
from reason.evaluation.baselines.neighbours import Knn
from reason.evaluation.baselines.relative import RelU
from reason.evaluation.baselines.sirc import SircNorm, SircResidual
from reason.evaluation.baselines.softmax import Doctor, Entropy, Gen, Margin, Msp
from reason.evaluation.baselines.temperature import TemperatureScaledMsp
from reason.evaluation.baselines.views import MeanOverViews
from reason.evaluation.baselines.vim import Vim
from reason.signals import Requirement, SignalSet

__all__ = [
    "META_VECTOR",
    "PARAMETER_FREE",
    "Baseline",
    "Doctor",
    "Energy",
    "Entropy",
    "Gen",
    "GradNorm",
    "GradientBoosting",
    "Knn",
    "LogisticRegression",
    "Mahalanobis",
    "Margin",
    "MaxLogit",
    "MaxLogitPNorm",
    "McDropout",
    "MeanOverViews",
    "Msp",
    "RelU",
    "RelativeMahalanobis",
    "ScalarLogisticRegression",
    "SircNorm",
    "SircResidual",
    "TemperatureScaledMsp",
    "Vim",
    "literature",
    "make_all",
]


_ON_META_VECTOR = (LogisticRegression, ScalarLogisticRegression, GradientBoosting)


def make_all(signals: SignalSet) -> list[Baseline]:
    """Return the baselines and the plain models on the meta-vector, fresh and not fitted, in the order of reports."""
    return [*literature(views=Requirement.VIEWS in signals.requires), *(model(signals) for model in _ON_META_VECTOR)]


def literature(*, views: bool = False) -> list[Baseline]:
    """Return the scores of the literature, fresh and not fitted, in the order of reports.

    Args:
        views: whether the evidence has views; else the one score that reads them is left out.
    """
    made: list[Baseline] = [
        *_parameter_free(),
        TemperatureScaledMsp(),
        MaxLogitPNorm(),
        McDropout(),
        Knn(),
        Mahalanobis(),
        RelativeMahalanobis(),
        Vim(),
        RelU(),
        SircNorm(),
        SircResidual(),
    ]
    return [*made, MeanOverViews()] if views else made


def _parameter_free() -> list[Baseline]:
    return [Msp(), Margin(), Entropy(), MaxLogit(), Energy(), Doctor(), Gen(), GradNorm()]


PARAMETER_FREE: tuple[Baseline, ...] = tuple(_parameter_free())
"""Baselines that score any evidence without a fit, in the order of reports."""

META_VECTOR = tuple(model.name for model in _ON_META_VECTOR)
"""Names of the plain models on REASON's own meta-vector: ablations of the MetaNet."""
