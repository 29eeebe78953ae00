"""From a user's network, program or ONNX file to a base classifier that needs none of the user's code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from reason.base.anatomy import discover, unwrapped
from reason.base.engines.choice import RUNTIMES, require
from reason.base.engines.engine import Engine
from reason.base.engines.exported import ExportedFiles
from reason.base.engines.graph import EMBEDDING, LOGITS, check
from reason.base.engines.operators import OPERATORS
from reason.base.engines.pytorch import Tapped
from reason.base.engines.sizes import FaultError, Sizes
from reason.base.graphs.base import GraphBase, widths_of
from reason.base.graphs.comparison import differs
from reason.base.graphs.draft import Draft
from reason.base.graphs.files import load_program
from reason.base.graphs.outputs import make_linear, put_out
from reason.base.graphs.parts import Part, flatten_logits, head_of, layout_of, strip_probabilities, taps_of
from reason.base.graphs.reading import draft_of, images_of, read
from reason.base.graphs.references import Reference, of_file, of_network
from reason.base.graphs.settle import settle
from reason.base.graphs.tracing import Inside, deepest, to_onnx, trace
from reason.base.graphs.writing import write
from reason.base.taps import Tap
from reason.base.views import SIDES
from reason.errors import BundleError, ClassifierError, FitError, first_line

if TYPE_CHECKING:
    from onnx import ModelProto

Source = nn.Module | torch.export.ExportedProgram | Path
"""A network in evaluation mode, a program, or the path of an ONNX file or of a program (``.pt2``)."""

_RANDOM = 3
"""Random images that a graph is compared with its source on."""


@dataclass(frozen=True, slots=True)
class GraphClassifier:
    """A classifier carried by its graph: what is fitted is what will be served."""

    base: GraphBase
    engine: Engine
    """Runs the graph, by ONNX Runtime."""
    notes: tuple[str, ...]
    """Sentences for the summary."""

    @property
    def any_size(self) -> bool:
        """Whether the smaller views pass."""
        return self.base.any_size


@dataclass(frozen=True, slots=True)
class _Request:
    """What a classifier is made from."""

    model: ModelProto
    reference: Reference
    shape: tuple[int, int, int]
    name: str
    head: str | None
    taps: Sequence[str] | None
    tapped: Tapped | None
    dropout: float
    images: torch.Tensor


def graph_classifier(
    source: Source,
    shape: tuple[int, int, int],
    folder: Path,
    *,
    head: str | None = None,
    taps: Sequence[str] | None = None,
    images: torch.Tensor | None = None,
    name: str = "",
) -> GraphClassifier:
    """Write a classifier as a graph with logits, embedding and taps, and compare it with its source.

    Inside a network, head and taps that are named are modules; in files and programs they are values of the graph.

    A file of ``torch.export`` is trusted like code, as it is the user's own: never give one of somebody else.

    Args:
        source: the classifier. Of a ``Tapped`` head, dropout and taps are taken over; of others they are found in the
            graph.
        shape: channels and sides of its images.
        folder: gets graph and weights, and must stay until the bundle is saved.
        head: module, value or node that the embedding is taken from.
        taps: modules or values to tap; up to four layers by default.
        images: standardised images ``[n, channels, h, w]`` to compare on, besides random ones.
        name: how messages call it; the path by default.

    Raises:
        ConfigError: a package is missing; the extra ``onnx`` has all.
        ClassifierError: a network has no module of a name given here.
        FitError: the source cannot be exported, or is no classifier of images, or its graph puts out something else.
    """
    require("onnx")
    generator = torch.Generator().manual_seed(0)
    shown = torch.randn(_RANDOM, *shape, generator=generator)
    shown = shown if images is None else torch.cat([shown, images.cpu().float()])
    called = name or (str(source) if isinstance(source, Path) else "the classifier")
    dropout = 0.0
    if isinstance(source, nn.Module) and not isinstance(source, Tapped):
        source, dropout = _read_modules(source, shape, head, taps)
        head = taps = None
    model, reference, tapped = _opened(source, shape, called)
    request = _Request(model, reference, shape, called, head, taps, tapped, dropout, shown)
    try:
        return _made(request, folder)
    except FaultError as fault:
        raise FitError(f"{called}: its graph {fault}; fit the network by reason.fit, and load with network=.") from None


def _opened(source: Source, shape: tuple[int, int, int], name: str) -> tuple[ModelProto, Reference, Tapped | None]:
    if isinstance(source, Tapped):
        outputs = (LOGITS, EMBEDDING, *map(_raw, source.taps))
        return trace(Inside(source), shape, outputs), of_network(source), source
    if isinstance(source, nn.Module):
        return trace(source, shape), of_network(source), None
    if isinstance(source, Path) and source.suffix.lower() != ".pt2":
        model = read(source)
        return model, of_file(source, images_of(model, name)), None
    program = load_program(source) if isinstance(source, Path) else source
    try:
        return to_onnx(program), _of_program(program), None
    except Exception as error:  # the exporter has many errors for what ONNX lacks
        raise FitError(f"{name}: cannot be exported as an ONNX graph ({deepest(error)}).") from error


def _read_modules(
    network: nn.Module, shape: tuple[int, int, int], head: str | None, taps: Sequence[str] | None
) -> tuple[nn.Module, float]:
    """Return a network as its modules are to be read, and the rate of the dropout before its head."""
    network = unwrapped(network)
    try:
        found = discover(network, shape, head=head, taps=taps)
    except ClassifierError:
        if head is not None or taps is not None:
            raise
        return network, 0.0  # what is wrong is seen in the graph, or its layers are no modules
    if head is None and taps is None:
        return network, found.dropout
    tapped = Tapped(network, head=found.head, dropout=found.dropout, taps=found.taps, linear=found.linear)
    return tapped.eval(), found.dropout


def _raw(tap: Tap) -> str:
    """Return the name of a tap's output as it is, not pooled."""
    return f"tap:{tap.name}"


def _of_program(program: torch.export.ExportedProgram) -> Reference:
    network = of_network(program.module())

    def run(images: torch.Tensor) -> torch.Tensor:
        try:
            return network(images)
        except Exception:  # it takes a fixed number of images
            count = int(program.example_inputs[0][0].shape[0]) if program.example_inputs else 1
            padded = torch.cat([images, images.new_zeros(-len(images) % count, *images.shape[1:])])
            return torch.cat([network(part) for part in padded.split(count)])[: len(images)]

    return run


def _made(request: _Request, folder: Path) -> GraphClassifier:
    draft, sizes, softmax = _settled(request)
    named, taps, features = _parts(request, draft, sizes)
    classes = sizes.shape(draft.logits)[1]
    shown = _whole(request.images[:_RANDOM].numpy(), draft.batch)
    linear = make_linear(draft, sizes, named, shown)
    widths = widths_of(classes, features, taps)
    _check_operators(draft)
    dropout = request.tapped.dropout if request.tapped is not None else request.dropout
    base = GraphBase(_Nowhere, taps, dropout if linear else 0.0, features, classes, False)
    for candidate in _wider(draft, widths):
        files = write(candidate, widths, folder)
        base = replace(base, files=files, any_size=candidate.any_size)
        engine = _checked(base, request, widths)
        fault = differs(engine, request.reference, request.images, softmax=softmax, smaller=candidate.any_size)
        if not fault:
            return GraphClassifier(base, engine, (*draft.notes, *_said(request, taps, linear, base.any_size)))
    raise FitError(f"{request.name}: {fault}")


_Nowhere: Any = None


def _settled(request: _Request) -> tuple[Draft, Sizes, str]:
    """Return a draft whose logits are ``[n, classes]``, of any number of images where that goes."""
    first = _draft(request)
    fixed = first.batch
    for batch in dict.fromkeys((None, fixed)):
        draft = _draft(request)
        draft.batch = batch
        try:
            draft = settle(draft)
            softmax = strip_probabilities(draft)
            sizes = draft.walked()
            flatten_logits(draft, sizes)
            break
        except (FaultError, FitError):
            if batch == fixed:
                raise
    if draft.batch is not None:
        draft.notes.append(f"The graph takes {draft.batch} images together; fewer are filled up with black ones.")
    return draft, sizes, softmax


def _draft(request: _Request) -> Draft:
    draft = draft_of(request.model, request.shape, request.name)
    if request.tapped is not None:
        draft.names = {item.name: item.name for item in request.model.graph.output}
    return draft


def _parts(request: _Request, draft: Draft, sizes: Sizes) -> tuple[Part, tuple[Tap, ...], int]:
    """Name the outputs; return what enters the head, the taps, and the width of the embedding."""
    head = head_of(draft, sizes, request.head)
    if request.tapped is not None:
        given = request.tapped.taps
        embedding = _tapped(draft, sizes, draft.names[EMBEDDING])
        parts = [Part(draft.names[_raw(tap)], tap.layout, tap.channels) for tap in given]
        put_out(draft, sizes, embedding, list(zip(given, parts, strict=True)))
        return head, given, embedding.channels
    if request.taps is None:
        found = taps_of(draft, sizes, head.value)
    else:
        found = [_tapped(draft, sizes, value) for value in request.taps]
    taps = tuple(_tap(i, part) for i, part in enumerate(found, 1))
    put_out(draft, sizes, head, list(zip(taps, found, strict=True)))
    return head, taps, head.channels


def _tap(number: int, part: Part) -> Tap:
    return Tap(f"layer{number}", part.value[:200], part.channels, layout=part.layout)


def _tapped(draft: Draft, sizes: Sizes, value: str) -> Part:
    part = layout_of(sizes, value) if value in sizes.types else None
    if part is None:
        raise FitError(f"{draft.source}: has no value {value!r:.80} of each image to tap; name another, or none.")
    return part


def _check_operators(draft: Draft) -> None:
    for node in draft.nodes:
        if node.op_type not in OPERATORS:
            raise FaultError(f"has the operator {node.op_type}, which no bundle may hold")


def _wider(draft: Draft, widths: Mapping[str, int]) -> list[Draft]:
    """Return the draft for images of any sides, where their sizes can be told at the smaller views, and as it is."""
    wide = replace(draft, nodes=deepcopy(draft.nodes), any_size=True)
    side = draft.shape[1]
    try:
        for share in (1.0, *SIDES.values()):
            smaller = max(1, round(share * side))
            sizes = replace(wide, shape=(draft.shape[0], smaller, smaller)).sizes(trusting=False)
            for node in wide.nodes:
                sizes.visit(node)
            if any(sizes.shape(wide.names[name]) != (sizes.images, width) for name, width in widths.items()):
                return [draft]
    except FaultError:
        return [draft]
    return [wide, draft]


def _checked(base: GraphBase, request: _Request, widths: Mapping[str, int]) -> Engine:
    files: ExportedFiles = base.files
    try:
        check(files.graph, files.graph_digest, files.weights, request.shape, widths)
    except BundleError as error:
        raise FaultError(first_line(error, 200).partition(": ")[2].partition(";")[0]) from None
    return RUNTIMES["onnx"].engine(files)


def _whole(images: Any, batch: int | None) -> Any:
    """Return images of the number that a graph takes together."""
    return images if batch is None else np.resize(images, (batch, *images.shape[1:]))


def _said(request: _Request, taps: Sequence[Tap], linear: bool, any_size: bool) -> list[str]:
    """Return what was found, for the summary; of a tapped network what its anatomy does not say."""
    found = request.tapped is None
    said = {
        "The logits are not linear in the embedding; signals that read the head's weights drop out.": found
        and not linear,
        "No layer could be tapped; signals of layers drop out.": found and not taps,
        "The graph takes images of one size; signals of the smaller views drop out.": not any_size,
    }
    return [sentence for sentence, holds in said.items() if holds]
