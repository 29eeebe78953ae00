"""What every confidence score offers, and the registry that finds one by name."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeVar

import torch

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.errors import FitError
from reason.registry import Registry
from reason.signals import Requirement, SignalSet

T = TypeVar("T")

Source = Literal["head", "train", "meta"]
"""Part of a ``ScoreContext`` that a score learns from; ``meta`` stands for the signals on it as well."""


@dataclass(frozen=True, slots=True)
class ScoreContext:
    """What scores may learn from."""

    head: Head
    """Linear head of the base classifier."""
    train: Labelled
    """Base-train evidence, without gradient or views."""
    meta: Labelled
    """Meta-fit evidence, of images that the base classifier did not train on."""
    signals: SignalSet
    """Fitted signals of the detector, which make the meta-vectors."""


class ConfidenceScore(ABC):
    """A confidence score function: it ranks predictions by trust. It reads evidence and never runs the base classifier.

    A subclass that ``SCORES.register`` decorates is in every table. It is made without arguments.
    """

    name: ClassVar[str]
    """As reports write it."""
    learns_from: ClassVar[frozenset[Source]] = frozenset()
    """What ``fit`` reads; a score that learns from nothing scores without a fit."""
    requires: ClassVar[frozenset[Requirement]] = frozenset()
    """What the evidence must hold besides logits and embedding; without it the score is left out."""
    on_meta_vector: ClassVar[bool] = False
    """Whether it is a plain model on REASON's own meta-vector: an ablation of the MetaNet, no rival."""

    def fit(self, context: ScoreContext) -> Self:
        """Learn what the score needs, and return the score itself.

        Raises:
            FitError: the score learns from mistakes, and meta-fit lacks correct or wrong predictions.
        """
        return self

    @abstractmethod
    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return the scores, float64 ``[n]``, larger = more trustworthy.

        Raises:
            FitError: the score needs a fit and had none.
        """


def _is_score(item: object) -> bool:
    return isinstance(item, type) and issubclass(item, ConfidenceScore) and not inspect.isabstract(item)


FILES = (
    *("softmax", "logits", "disagreement", "gradnorm", "temperature", "pnorm", "dropout", "neighbours", "gaussian"),
    *("vim", "relative", "sirc", "views", "meta_vector"),
)
"""Modules of this package that hold scores, in the order of reports; to add one, name it here."""

SCORES: Registry[type[ConfidenceScore]] = Registry(
    "confidence score",
    group="reason.scores",
    modules=[f"reason.evaluation.baselines.{file}" for file in FILES],
    accepts=_is_score,
    error=FitError,
)
"""Every score by name; an installed package adds its own by the entry points group ``reason.scores``."""


def fitted(part: T | None, name: str) -> T:
    """Return what ``fit`` learned.

    Raises:
        FitError: the score was not fitted.
    """
    if part is None:
        raise FitError(f"the baseline {name} was not fitted; call its fit before its score.")
    return part


def outcomes(meta: Labelled, name: str) -> torch.Tensor:
    """Return whether each meta-fit prediction is correct, bool ``[n]``.

    Raises:
        FitError: all predictions are correct, or all are wrong.
    """
    correct = meta.correct
    if correct.all() or not correct.any():
        raise FitError(f"the baseline {name} needs correct and wrong predictions among the meta-fit images.")
    return correct


def probabilities(evidence: Evidence) -> torch.Tensor:
    """Return the class probabilities ``[n, classes]`` in float64, in which saturated ones still differ."""
    return evidence.logits.double().softmax(dim=1)
