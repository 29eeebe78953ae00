"""A classifier as its bundle will carry it: what runs it, what is known of its inside, and what drops out."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reason.base.anatomy import Anatomy, discover
from reason.base.base import BaseClassifier
from reason.base.classifier import CUSTOM, GRAPH, Classifier
from reason.base.engines import Engine, Tapped
from reason.base.graphs.classifier import GraphClassifier, graph_classifier
from reason.data.images import Preprocessing
from reason.errors import ConfigError, FitError


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
    if classifier.architecture == GRAPH:
        return _as_graph(classifier, head, taps, device, work or _kept_folder())
    network = classifier.network
    assert isinstance(network, nn.Module)
    anatomy = discover(network, classifier.preprocessing.shape, head=head, taps=taps)
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


def _tapped(network: nn.Module, anatomy: Anatomy) -> Tapped:
    return Tapped(
        network, head=anatomy.head, dropout=anatomy.dropout, taps=anatomy.taps, linear=anatomy.linear
    ).freeze()


def _as_graph(
    classifier: Classifier, head: str | None, taps: Sequence[str] | None, device: torch.device, work: Path
) -> Carried:
    """Export a classifier, so that its bundle needs none of its code; one in memory that cannot be is run as it is."""
    shape, network = classifier.preprocessing.shape, classifier.network
    folder = work / "graph"
    if isinstance(network, Path):
        return _carried(classifier, graph_classifier(network, shape, folder, head=head, taps=taps), ())
    anatomy = discover(network, shape, head=head, taps=taps)
    try:
        graph = _linear_graph(network, shape, folder) if not (anatomy.linear or head or taps) else None
        if graph is None:
            graph = graph_classifier(_tapped(network, anatomy), shape, folder)
    except (FitError, ConfigError) as error:
        run = carry(replace(classifier, architecture=CUSTOM), head, taps, device, work)
        needs = "reason.load will need the network again, as network= and head="
        return replace(run, notes=(*run.notes, f"The bundle cannot hold the classifier itself ({error}) {needs}."))
    return _carried(classifier, graph, tuple(note for note in anatomy.notes if "gradient" not in note))


def _linear_graph(network: nn.Module, shape: tuple[int, int, int], folder: Path) -> GraphClassifier | None:
    """Look for a linear head in the graph, which shows arithmetic that is no module's, such as a cosine's."""
    graph = graph_classifier(network, shape, folder)
    return None if graph.base.classifier_head().weight is None else graph


def _carried(classifier: Classifier, graph: GraphClassifier, notes: tuple[str, ...]) -> Carried:
    return Carried(
        graph.base,
        graph.engine,
        classifier.preprocessing,
        GRAPH,
        {},
        "",
        graph.any_size,
        False,
        (*notes, *graph.notes),
    )


def _kept_folder() -> Path:
    """Return a folder for files that are needed until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="reason-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
