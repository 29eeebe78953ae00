"""A trained classifier as REASON is fitted to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from reason.data.images import Preprocessing

CUSTOM = "custom"
"""Architecture of a network whose code a bundle does not hold; ``reason.load`` needs the network again."""

GRAPH = "graph"
"""Architecture of what a bundle holds as an exported graph alone."""


@dataclass(frozen=True)
class Classifier:
    """A trained classifier, how its pictures are prepared, and how it is made again without its weights."""

    network: nn.Module | Path
    """Maps standardised images ``[n, channels, h, w]`` to logits ``[n, classes]``, or to something with ``.logits``; or
    the path of a file that does, ``.pt2`` or ``.onnx``.
    """
    preprocessing: Preprocessing
    """The classifier's own."""
    classes: tuple[str, ...] = ()
    """In the order of the logits; empty where its source does not say them."""
    architecture: str = CUSTOM
    """Name in ``reason.base.backbones.ARCHITECTURES``, ``graph`` or ``custom``."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON from which the architecture makes the same network without weights."""
