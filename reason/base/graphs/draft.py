"""A classifier's graph while it is being rewritten, with its constants beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from reason.base.engines.graph import INPUT
from reason.base.engines.sizes import IMAGES, Sizes
from reason.errors import FitError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Array = NDArray[Any]

INSIDE = 64
"""Most numbers of a constant that stays inside the graph; larger ones lie in the weights' file."""


@dataclass
class Draft:
    """Nodes in the order of their computation, and what they read besides the images."""

    nodes: list[NodeProto]
    constants: dict[str, Array]
    opset: int
    shape: tuple[int, int, int]
    """Channels and sides of the images that its sizes are told for."""
    logits: str
    """Name of the value that is put out."""
    batch: int | None = None
    """Number of images that it takes together; ``None`` for any."""
    any_size: bool = False
    """Whether it takes images of other sides too."""
    source: str = "the classifier"
    """How messages call it."""
    notes: list[str] = field(default_factory=list)
    """Sentences for the summary."""
    names: dict[str, str] = field(default_factory=dict)
    """Values that have been named by who exported it: logits, embedding and taps, by the names of the outputs."""

    def sizes(self, *, trusting: bool = True) -> Sizes:
        """Return a walk that knows inputs and constants, and no node yet."""
        sizes = Sizes(self.opset, images=self.batch or IMAGES, any_size=self.any_size, trusting=trusting)
        sizes.add(INPUT, 1, (sizes.images, *self.shape))
        for name, array in self.constants.items():
            sizes.add(name, _number_of(array), array.shape, array)
        return sizes

    def walked(self) -> Sizes:
        """Return what is known of the sizes of all values.

        Raises:
            FaultError: a size cannot be told.
        """
        sizes = self.sizes()
        for node in self.nodes:
            sizes.visit(node)
        return sizes

    def fresh(self, stem: str) -> str:
        """Return a name that no value has yet."""
        taken = {*self.constants, *(name for node in self.nodes for name in (*node.input, *node.output))}
        return next(name for name in (stem, *(f"{stem}_{i}" for i in range(len(taken) + 1))) if name not in taken)

    def prune(self, wanted: Sequence[str]) -> None:
        """Remove nodes and constants that none of these values comes from."""
        self.nodes = ancestors(self.nodes, wanted)
        read = {name for node in self.nodes for name in node.input} | set(wanted)
        self.constants = {name: array for name, array in self.constants.items() if name in read}


def ancestors(nodes: Sequence[NodeProto], wanted: Sequence[str]) -> list[NodeProto]:
    """Return the nodes that these values come from."""
    needed, kept = set(wanted), []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(filter(None, node.input))
            kept.append(node)
    return kept[::-1]


Kinds = Mapping[str, tuple[int, Sequence[int | None]]]
"""ONNX's number of the type, and the shape, of values by name."""


def model_of(nodes: Sequence[NodeProto], inputs: Kinds, outputs: Sequence[str], opset: int) -> ModelProto:
    """Return nodes as a model whose inputs have these types and shapes."""
    from onnx import helper

    graph = helper.make_graph(
        list(nodes),
        "reason",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="reason")
    model.ir_version = min(model.ir_version, 10)
    return model


Probe = Callable[[Mapping[str, Array]], list[Array]]
"""Computes the values that it was made for, of values by name."""


def probe(draft: Draft, given: Mapping[str, int], wanted: Sequence[str]) -> Probe:
    """Return a function that computes values of a draft of other values, by ONNX Runtime.

    Args:
        draft: the graph.
        given: values that will be given, with their ranks; the constants need not be among them.
        wanted: values that it returns.
    """
    import onnxruntime

    nodes = _between(draft.nodes, given, wanted)
    read = {name for node in nodes for name in node.input} | set(wanted)
    constants = {name: np.asarray(array) for name, array in draft.constants.items() if name in read - given.keys()}
    inputs = {name: (_number_of(array), array.shape) for name, array in constants.items()}
    images: dict[str, tuple[int, Sequence[int | None]]] = {name: (1, [None] * rank) for name, rank in given.items()}
    model = model_of(nodes, {**images, **inputs}, wanted, draft.opset)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session: Any = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    except Exception as error:
        raise FitError(f"{draft.source}: ONNX Runtime cannot run its graph ({str(error)[:200]}).") from error
    known = {item.name for item in session.get_inputs()}

    def run(values: Mapping[str, Array]) -> list[Array]:
        feeds = {name: value for name, value in {**constants, **values}.items() if name in known}
        found: list[Array] = session.run(list(wanted), feeds)
        return found

    return run


def _between(nodes: Sequence[NodeProto], given: Mapping[str, int], wanted: Sequence[str]) -> list[NodeProto]:
    """Return the nodes that compute the wanted values, not those that compute what is given."""
    needed, kept = set(wanted) - given.keys(), []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(name for name in node.input if name and name not in given)
            kept.append(node)
    return kept[::-1]


def _number_of(array: Array) -> int:
    from onnx import helper

    return helper.np_dtype_to_tensor_dtype(array.dtype)
