"""Find a classifier's logits, embedding and taps in its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reason.base.engines.graph import FLOAT, INPUT
from reason.base.engines.sizes import Sizes
from reason.base.graphs.draft import Draft, ancestors
from reason.base.taps import Layout
from reason.errors import FitError

if TYPE_CHECKING:
    from onnx import NodeProto

MOST_TAPS = 4
"""Most layers that are tapped by themselves."""

MOST_CHANNELS = 4
"""Most channels of what is taken for an image still, and not tapped."""

_LAYERS = ("Gemm", "MatMul", "Conv")
"""Operators that are layers when one of their inputs is a constant."""

_SHAPING = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
"""Operators between logits and output that change no number."""

AXES: Mapping[Layout, tuple[int, ...]] = {"maps": (2, 3), "channels_last": (1, 2), "tokens": (1,), "vectors": ()}
"""Axes that are pooled of each layout."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value of the graph that is kept for each image, once its axes of place are pooled."""

    value: str
    layout: Layout
    channels: int


def strip_probabilities(draft: Draft) -> str:
    """Take the input of a softmax at the end for the logits, and say so; return which one it was, or nothing.

    Raises:
        FitError: the output is none of a classifier that gives each image one class.
    """
    makers = {name: node for node in draft.nodes for name in node.output}
    name = draft.logits
    while name in makers and makers[name].op_type in _SHAPING:
        name = makers[name].input[0]
    last = makers.get(name)
    if last is not None and last.op_type in ("Softmax", "LogSoftmax"):
        draft.logits = last.input[0]
        draft.notes.append("The graph ends in a softmax; its input is taken for the logits.")
        return str(last.op_type)
    if last is not None and last.op_type == "Sigmoid":
        raise FitError(
            f"{draft.source}: ends in a sigmoid, so that its classes do not exclude each other; "
            "REASON judges classifiers that give each image one class."
        )
    if last is not None and last.op_type in ("ArgMax", "TopK"):
        raise FitError(f"{draft.source}: puts out classes ({last.op_type}); export it with the logits as its output.")
    return ""


def flatten_logits(draft: Draft, sizes: Sizes) -> int:
    """Let the logits be ``[n, classes]``, and return the number of classes.

    Raises:
        FitError: they are not, for each image.
    """
    from onnx import helper

    shape = sizes.shape(draft.logits)
    if len(shape) > 2 and shape[0] * max(shape[1:]) == _product(shape):
        flat = draft.fresh("flat_logits")
        draft.nodes.append(helper.make_node("Flatten", [draft.logits], [flat], axis=1))
        sizes.visit(draft.nodes[-1])
        draft.logits, shape = flat, sizes.shape(flat)
    if len(shape) != 2 or shape[0] != sizes.images or shape[1] < 2 or sizes.dtype(draft.logits) != FLOAT:
        told = " x ".join("n" if side == sizes.images else str(side) for side in shape)
        raise FitError(f"{draft.source}: puts out {told} numbers; give a classifier that puts out logits [n, classes].")
    return shape[1]


def head_of(draft: Draft, sizes: Sizes, named: str | None = None) -> Part:
    """Return what enters the last layer with weights.

    Args:
        draft: a graph whose sizes are settled.
        sizes: its walk.
        named: a value of the graph to take instead, or a node whose input is taken.

    Raises:
        FitError: there is no such layer, or value.
    """
    nodes = ancestors(draft.nodes, [draft.logits])
    if named is not None:
        return _part(draft, sizes, _named(nodes, named, draft.source))
    for node in reversed(nodes):
        if node.op_type in _LAYERS and (data := _data_of(node, draft)):
            return _part(draft, sizes, data)
    raise FitError(f"{draft.source}: no layer with weights leads to its output, so it has no embedding.")


def _named(nodes: Sequence[NodeProto], named: str, source: str) -> str:
    for node in nodes:
        if node.name == named:
            return str(node.input[0])
        if named in node.output:
            return named
    raise FitError(f"{source}: has no node or value {named!r:.80} on the way to its logits; name another, or none.")


def _data_of(node: NodeProto, draft: Draft) -> str:
    """Return the input of a layer that is no constant; empty where it has no weights."""
    data = [name for name in node.input[:2] if name not in draft.constants]
    return data[0] if len(data) == 1 else ""


def _part(draft: Draft, sizes: Sizes, value: str) -> Part:
    found = layout_of(sizes, value)
    if found is None:
        raise FitError(f"{draft.source}: what enters its last layer is no embedding of each image; name another.")
    return found


def layout_of(sizes: Sizes, value: str) -> Part | None:
    """Return a value as a part; ``None`` where it is not one of each image."""
    shape = sizes.shape(value)
    if not shape or shape[0] != sizes.images or sizes.dtype(value) != FLOAT or 0 in shape:
        return None
    if len(shape) == 2:
        return Part(value, "vectors", shape[1])
    if len(shape) == 3:
        return Part(value, "tokens", shape[2])
    if len(shape) == 4:
        last = shape[1] == shape[2] != shape[3]
        return Part(value, "channels_last", shape[3]) if last else Part(value, "maps", shape[1])
    return None


def taps_of(draft: Draft, sizes: Sizes, embedding: str) -> list[Part]:
    """Return up to four layers that are passed one after the other, evenly over the depth.

    Of a convolutional network the last of each resolution, of a transformer the outputs of its blocks.
    """
    parts = [layout_of(sizes, value) for value in _narrow(draft, embedding) if value != embedding]
    found = [part for part in parts if part and part.channels > MOST_CHANNELS]
    places = [tuple(sizes.shape(part.value)[axis] for axis in AXES[part.layout]) for part in found]
    wide = [(part, place) for part, place in zip(found, places, strict=True) if _product(place) > 1]
    lasts = [part for i, (part, place) in enumerate(wide) if i + 1 == len(wide) or wide[i + 1][1] != place]
    joined = {name for node in draft.nodes if node.op_type == "Add" for name in node.output}
    blocks = [part for part, _ in wide if part.value in joined and part.layout == "tokens"]
    return spread(blocks, MOST_TAPS) if len(blocks) > len(lasts) else (lasts or found)[-MOST_TAPS:]


def spread(items: list[Part], most: int) -> list[Part]:
    """Return at most so many of the items, evenly, the last among them."""
    if len(items) <= most:
        return items
    return [items[round((i + 1) * len(items) / most) - 1] for i in range(most)]


def _narrow(draft: Draft, embedding: str) -> list[str]:
    """Return the values that all ways from the images to the embedding lead through, in order."""
    nodes = ancestors(draft.nodes, [embedding])
    readers: dict[str, int] = {}
    nodes = [node for node in nodes if node.op_type != "Shape"]
    for node in nodes:
        for name in set(node.input):
            readers[name] = readers.get(name, 0) + 1
    moving, live, found = {INPUT}, {INPUT}, []
    for node in nodes:
        if not moving.intersection(node.input):
            continue
        for name in set(node.input) & live:
            readers[name] -= 1
            if not readers[name]:
                live.discard(name)
        moving.update(node.output)
        live.update(name for name in node.output if readers.get(name))
        if len(live) == 1:
            found.append(next(iter(live)))
    return found


def _product(shape: Sequence[int]) -> int:
    product = 1
    for side in shape:
        product *= side
    return product
