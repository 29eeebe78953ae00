"""What every baseline offers."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar

import torch

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.errors import FitError

T = TypeVar("T")


class Baseline(Protocol):
    """A confidence score function of the literature; it reads evidence and never runs the base classifier."""

    name: str
    """Name of the score, as reports write it."""

    def fit(self, head: Head, train: Labelled, meta: Labelled) -> Self:
        """Learn what the score needs, and return the baseline itself.

        Args:
            head: linear head of the base classifier.
            train: base-train evidence.
            meta: meta-fit evidence, of images that the base classifier did not train on.

        Raises:
            FitError: the score learns from mistakes, and ``meta`` lacks correct or wrong predictions.
        """
        ...

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return the scores, float64 ``[n]``, larger = more trustworthy.

        Raises:
            FitError: the score needs a fit and had none.
        """
        ...


class ParameterFree:
    """A baseline that learns nothing and scores without a fit."""

    def fit(self, head: Head, train: Labelled, meta: Labelled) -> Self:
        """Return the baseline as it is."""
        return self


def fitted(part: T | None, name: str) -> T:
    """Return what ``fit`` learned.

    Raises:
        FitError: the baseline was not fitted.
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
