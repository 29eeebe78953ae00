"""A base classifier of which only an exported graph is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from safetensors import SafetensorError, safe_open

from reason.base.engines.exported import ExportedFiles
from reason.base.engines.graph import EMBEDDING, LOGITS, pointed_at, read
from reason.base.graphs.outputs import HEAD_BIAS, HEAD_WEIGHT
from reason.base.head import Head
from reason.base.taps import POOLINGS, Tap
from reason.errors import BundleError

ARCHITECTURE = "graph"
"""What a card calls the architecture of a classifier that is carried by its graph alone."""


@dataclass(slots=True)
class GraphBase:
    """Files of a graph, and what signals read of it besides its outputs. Engines ``onnx`` and ``openvino`` run it."""

    files: ExportedFiles
    taps: tuple[Tap, ...]
    """Layers whose outputs are kept; their poolings are part of the graph."""
    dropout: float
    """Rate of the dropout before the head, in [0, 1)."""
    features: int
    """Width of the embedding."""
    classes: int
    """Number of logits."""
    any_size: bool
    """Whether images of other sides than those of its preprocessing pass, such as the smaller views."""

    def stored(self) -> Mapping[str, tuple[str, tuple[int, ...]]]:
        """Return type and shape of each tensor that the graph points at, by name, as safetensors calls types.

        Raises:
            BundleError: the graph is not the one that was opened.
            FaultError: it points at something else.
        """
        return pointed_at(read(self.files.graph, self.files.graph_digest))

    def arrays(self) -> Mapping[str, torch.Tensor]:
        """Return the stored weights by name, mapped into memory.

        Raises:
            BundleError: the file cannot be read.
        """
        path = self.files.weights
        try:
            with safe_open(path, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
        except (OSError, SafetensorError):
            raise BundleError(f"{path}: missing or unreadable; load the bundle again.") from None

    def classifier_head(self) -> Head:
        """Return the last layer as the signals read it, without weights where it is not linear in the embedding.

        Raises:
            BundleError: the file with the weights cannot be read.
        """
        arrays = self.arrays()
        if HEAD_WEIGHT not in arrays:
            return Head(None, None, self.dropout, self.features, self.classes)
        return Head.linear(arrays[HEAD_WEIGHT].float(), arrays[HEAD_BIAS].float(), self.dropout)


def widths_of(classes: int, features: int, taps: tuple[Tap, ...]) -> dict[str, int]:
    """Return the width of each output of a graph by name, in their order."""
    return {LOGITS: classes, EMBEDDING: features} | {
        key: tap.channels for tap in taps for key in tap.keys(tuple(POOLINGS))
    }
