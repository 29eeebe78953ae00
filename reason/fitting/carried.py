"""A classifier as its bundle will carry it: what runs it, what is known of its inside, and what drops out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reason.base.anatomy import Anatomy, discover
from reason.base.base import BaseClassifier
from reason.base.classifier import Classifier
from reason.base.engines import Engine, Tapped
from reason.data.images import Preprocessing


@dataclass(frozen=True, slots=True)
class Carried:
    """A base classifier with the engine that runs it."""

    base: BaseClassifier
    engine: Engine
    preprocessing: Preprocessing
    architecture: str
    """See ``Classifier``."""
    arguments: Mapping[str, Any]
    head_module: str
    """Dotted name of the head; empty for an exported graph."""
    any_size: bool
    """Whether it takes smaller pictures too, as the views are."""
    gradient: bool
    """Whether the engine has the input gradient."""
    notes: tuple[str, ...]
    """Sentences about its inside, for people."""


def carry(
    classifier: Classifier,
    head: str | None,
    taps: Sequence[str] | None,
    device: torch.device,
    work: Path | None,
) -> Carried:
    """Find a classifier's inside, and return how it is run.

    Args:
        classifier: the classifier; its network is frozen.
        head: dotted name of its last layer, where it shall not be looked for.
        taps: dotted names of the layers to tap, where they shall not be looked for.
        device: where PyTorch runs it.
        work: folder for an exported graph.

    Raises:
        FitError: it cannot be judged, with the reason.
    """
    network = classifier.network
    assert isinstance(network, nn.Module)
    anatomy = discover(network, shape_of(classifier), head=head, taps=taps)
    base = _tapped(network, anatomy).to(device)
    return Carried(
        base,
        base,
        classifier.preprocessing,
        classifier.architecture,
        classifier.arguments,
        anatomy.head,
        anatomy.any_size,
        anatomy.gradient,
        anatomy.notes,
    )


def shape_of(classifier: Classifier) -> tuple[int, int, int]:
    """Return channels and sides of a classifier's input."""
    image = classifier.preprocessing
    return image.channels, image.size, image.size


def _tapped(network: nn.Module, anatomy: Anatomy) -> Tapped:
    return Tapped(network, head=anatomy.head, dropout=anatomy.dropout, taps=anatomy.taps).freeze()
