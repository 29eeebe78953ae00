"""A base classifier that is carried by its graph alone, in a bundle."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from reason.base.engines.exported import ExportedFiles
from reason.base.engines.graph import EMBEDDING, check, form_of, read, width_of
from reason.base.engines.sizes import FaultError
from reason.base.graphs.base import ARCHITECTURE, GraphBase, widths_of
from reason.bundle import tensors
from reason.bundle.card import Card, FileSeal
from reason.bundle.faults import broken
from reason.bundle.folders import BASE, CARD, GRAPH
from reason.bundle.values import check_base
from reason.errors import BundleError


def is_carried(card: Card) -> bool:
    """Return whether the base classifier of a card is carried by its graph alone."""
    return card.architecture == ARCHITECTURE


def carried(folder: Path, card: Card) -> GraphBase:
    """Return the base classifier of a card, before anything but its graph is read.

    Raises:
        BundleError: the graph is missing, altered, or does not say what it takes and puts out.
        ConfigError: the ``onnx`` package is not installed.
    """
    for name in (BASE, GRAPH):
        if name not in card.files:
            raise broken(folder / CARD, f"does not list {name}, which carries its base classifier")
    model = read(folder / GRAPH, card.files[GRAPH].sha256)
    try:
        form, features = form_of(model), width_of(model, EMBEDDING)
    except FaultError as fault:
        raise broken(folder / GRAPH, str(fault)) from None
    classes, taps = len(card.classes), card.taps
    outputs = tuple(widths_of(classes, features, taps))
    graph, weights = card.files[GRAPH].sha256, card.files[BASE].sha256
    files = ExportedFiles(folder / GRAPH, graph, folder / BASE, weights, outputs, form.batch)
    return GraphBase(files, taps, card.dropout, features, classes, form.any_size)


def read_weights(folder: Path, card: Card, base: GraphBase) -> GraphBase:
    """Check the weights that the graph points into, and return the base classifier as it is.

    Raises:
        BundleError: the file is not the one of the card, or holds what no bundle holds.
    """
    check_base(folder / BASE, tensors.read(folder / BASE, card.files[BASE]))
    return base


def copy_files(base: GraphBase, folder: Path) -> dict[str, FileSeal]:
    """Copy graph and weights into a folder, and return what the card says of them.

    Raises:
        BundleError: they are not those that were opened any more.
    """
    try:
        shutil.copyfile(base.files.graph, folder / GRAPH)
        shutil.copyfile(base.files.weights, folder / BASE)
    except OSError as error:
        raise BundleError(f"{base.files.graph}: cannot be copied ({error.strerror}); make the graph again.") from None
    replace(base.files, graph=folder / GRAPH, weights=folder / BASE).check()
    arrays = {name: tensors.described(dtype, list(shape)) for name, (dtype, shape) in base.stored().items()}
    return {
        GRAPH: FileSeal(sha256=base.files.graph_digest, bytes=(folder / GRAPH).stat().st_size, arrays={}),
        BASE: FileSeal(sha256=base.files.weights_digest, bytes=(folder / BASE).stat().st_size, arrays=arrays),
    }


def check_files(base: GraphBase, folder: Path, card: Card) -> None:
    """Check copied graph and weights as ``load`` does.

    Raises:
        BundleError: ``load`` would refuse them.
    """
    read_weights(folder, card, base)
    widths = widths_of(base.classes, base.features, base.taps)
    check(folder / GRAPH, base.files.graph_digest, folder / BASE, card.preprocessing.shape, widths)
