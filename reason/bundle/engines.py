"""The exported graph of a bundle, checked and handed to the engine that runs it."""

from __future__ import annotations

from pathlib import Path

from reason.base.base import BaseClassifier
from reason.base.engines import Engine
from reason.base.engines.choice import RUNTIMES
from reason.base.engines.exported import ExportedFiles
from reason.base.engines.graph import check
from reason.base.graphs.base import widths_of
from reason.bundle.folders import BASE, GRAPH
from reason.data.images import Preprocessing


def open_graph(
    folder: Path,
    *,
    graph: str,
    weights: str,
    base: BaseClassifier,
    preprocessing: Preprocessing,
    name: str,
    batch: int | None = None,
) -> Engine:
    """Return the engine of this name on the graph in a bundle's folder.

    Args:
        folder: the bundle, whose weights were checked already.
        graph: SHA-256 of the graph.
        weights: SHA-256 of the base weights, which the graph points into.
        base: the base classifier.
        preprocessing: its own.
        name: key of ``reason.base.engines.choice.RUNTIMES``.
        batch: number of images that the graph takes together; ``None`` for any.

    Raises:
        BundleError: the graph is another, or is not one that ``reason export`` makes.
        ConfigError: a package is missing.
    """
    widths = widths_of(base.classes, base.features, base.taps)
    check(folder / GRAPH, graph, folder / BASE, preprocessing.shape, widths)
    files = ExportedFiles(folder / GRAPH, graph, folder / BASE, weights, tuple(widths), batch)
    return RUNTIMES[name].engine(files)
