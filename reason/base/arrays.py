"""A base classifier that runs elsewhere: all that is known of it are the logits and embeddings that it gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import torch

from reason.base.engines.engine import Engine
from reason.base.head import Head
from reason.base.taps import Tap
from reason.data.images import Preprocessing
from reason.errors import EvidenceError

ARCHITECTURE = "arrays"
"""What cards call it."""

NO_PICTURES = Preprocessing(size=8, mode="L", mean=(0.0,), std=(1.0,))
"""Stands where a card says how pictures are prepared; none is ever shown to such a classifier."""


class ArrayBase(Engine):
    """Any classifier, of texts, tables or whatever, by the width of its arrays.

    Args:
        features: width of the embedding; that of the logits where there is none.
        classes: number of logits.
    """

    name = ARCHITECTURE
    precision = "fp32"
    taps: tuple[Tap, ...] = ()
    dropout = 0.0

    def __init__(self, features: int, classes: int) -> None:
        self._features, self._classes = features, classes

    @property
    def features(self) -> int:
        """Width of the embedding."""
        return self._features

    @property
    def classes(self) -> int:
        """Number of logits."""
        return self._classes

    @property
    def version(self) -> str:
        """None: nothing runs."""
        return ARCHITECTURE

    def arrays(self) -> Mapping[str, torch.Tensor]:
        """Return the weights that a bundle stores: none."""
        return {}

    def classifier_head(self) -> Head:
        """Return a head of unknown weights."""
        return Head(None, None, 0.0, self._features, self._classes)

    def identity(self) -> str:
        """Return what decides what it computes: nothing does."""
        return f"{ARCHITECTURE} {self._features} {self._classes}"

    def to(self, device: torch.device) -> ArrayBase:
        """Return itself: it is on no device."""
        return self

    def look(self, images: torch.Tensor, *, gradient: bool, taps: bool) -> NoReturn:
        """Refuse: there is no network to look at images with.

        Raises:
            EvidenceError: always.
        """
        raise EvidenceError(
            "this detector judges logits and embeddings that come from elsewhere, and has no network that looks at "
            "pictures; give their evidence to Detector.judge, or the arrays to ReliabilityEstimator."
        )
