"""A base classifier to an ONNX graph whose outputs are logits, embedding and taps, and that holds no weights."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from reason.base.engines.graph import EMBEDDING, INPUT, LOGITS, WEIGHT, Stored, pointer, stored_tensors
from reason.base.engines.pytorch import Tapped
from reason.errors import BundleError, ConfigError, first_line

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

OPSET = 20
"""Version of ONNX's operators that the graph is written in."""

NETWORK = "network"
"""Attribute of ``_Traced`` that the names of weights start with."""


class _Traced(nn.Module):
    """The network with its inside as outputs."""

    def __init__(self, base: Tapped) -> None:
        super().__init__()
        self.network = base.network
        self._base = (base,)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        logits, embedding, activations = self._base[0].inside(images)
        return (logits, embedding, *activations.values())


def export(base: Tapped, shape: tuple[int, int, int], weights: Path) -> bytes:
    """Return the graph of a frozen base classifier, as ``reason.base.engines.graph`` describes it.

    Args:
        base: the base classifier, on the CPU.
        shape: channels and sides of its images; the graph takes other sides and any number of images too.
        weights: the safetensors file with its weights in half precision, which the graph will lie beside.

    Raises:
        BundleError: the network cannot be exported.
        ConfigError: the packages that export are not installed.
    """
    try:
        import onnx_ir
        import onnxscript.optimizer as optimizer
    except ImportError:
        raise ConfigError("export: takes the onnx and onnxscript packages; pip install 'reason[onnx]'.") from None
    model = _traced(base, shape)
    optimizer.fold_constants(model)
    optimizer.remove_unused_nodes(model)
    proto: ModelProto = onnx_ir.to_proto(model)
    _point_at(proto, weights.name, stored_tensors(weights))
    _drop_empty_biases(proto)
    _tell_sizes(proto)
    _drop_unused(proto)
    _strip(proto)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def _traced(base: Tapped, shape: tuple[int, int, int]) -> Any:
    """Return the graph as PyTorch exports it, batch norm and all, so that its weights are those of the network."""
    # A copy with plain strides: channels-last ones would become nodes of the graph.
    plain = copy.deepcopy(base).to(memory_format=torch.contiguous_format)
    free = torch.export.Dim.DYNAMIC
    names = [LOGITS, EMBEDDING, *base.keys]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                _Traced(plain).eval(),
                (torch.zeros(2, *shape),),
                dynamo=True,
                optimize=False,
                verbose=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=names,
                dynamic_shapes=({0: free, 2: free, 3: free},),
            )
        except Exception as error:  # the exporter has many errors for what it cannot trace
            reason = first_line(error, 150)
            raise BundleError(f"the base classifier cannot be exported as an ONNX graph ({reason}).") from error
    assert program is not None
    return program.model


def _point_at(proto: ModelProto, file: str, tensors: Mapping[str, Stored]) -> None:
    """Let the weights' initialisers point into the file, each with a cast to single precision behind it."""
    from onnx import TensorProto, helper

    kept: list[TensorProto] = []
    casts = []
    for tensor in proto.graph.initializer:
        key = tensor.name.removeprefix(f"{NETWORK}.")
        found = tensors.get(key) if key != tensor.name else None
        if found is None:
            kept.append(tensor)
            continue
        kept.append(pointer(key, file, found))
        casts.append(helper.make_node("Cast", [WEIGHT + key], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.initializer[:], proto.graph.node[:]
    proto.graph.initializer.extend(kept)
    proto.graph.node.extend(nodes)


def _drop_empty_biases(proto: ModelProto) -> None:
    """Remove the zeros that the exporter gives convolutions without a bias."""
    from onnx import numpy_helper

    empty = {
        tensor.name
        for tensor in proto.graph.initializer
        if tensor.data_location != tensor.EXTERNAL and tensor.dims and not numpy_helper.to_array(tensor).any()
    }
    for node in proto.graph.node:
        if node.op_type == "Conv" and len(node.input) == 3 and node.input[2] in empty:
            del node.input[2]


def _tell_sizes(proto: ModelProto) -> None:
    """Write shapes so that shape inference can follow them, which the check of the graph relies on.

    It follows one side of a picture through ``Unsqueeze`` and not through the ``Reshape`` that the exporter takes, and
    no arithmetic on sides: the one number of a shape that takes arithmetic is left to be told by the others.
    """
    from onnx import helper, numpy_helper

    makers = {name: node for node in proto.graph.node for name in node.output}
    kinds = {name: node.op_type for name, node in makers.items()}
    first, rest = "first_axis", "the_rest"

    def is_computed(name: str) -> bool:
        maker = makers.get(name)
        return maker is not None and maker.op_type == "Reshape" and kinds.get(maker.input[0]) in ("Mul", "Add", "Div")

    for node in proto.graph.node:
        if node.op_type == "Concat" and sum(map(is_computed, node.input)) == 1:
            inputs = [rest if is_computed(name) else name for name in node.input]
            node.CopyFrom(helper.make_node("Concat", inputs, node.output, axis=0))
        elif node.op_type == "Reshape" and kinds.get(node.input[0]) == "Squeeze":
            node.CopyFrom(helper.make_node("Unsqueeze", [node.input[0], first], node.output))
    for name, value in ((first, 0), (rest, -1)):
        proto.graph.initializer.append(numpy_helper.from_array(np.array([value], dtype=np.int64), name))


def _drop_unused(proto: ModelProto) -> None:
    """Remove nodes and initialisers that no output comes from."""
    wanted = {output.name for output in proto.graph.output}
    kept = []
    for node in reversed(proto.graph.node):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    initializers = [tensor for tensor in proto.graph.initializer if tensor.name in wanted]
    del proto.graph.node[:], proto.graph.initializer[:]
    proto.graph.node.extend(reversed(kept))
    proto.graph.initializer.extend(initializers)


def _strip(proto: ModelProto) -> None:
    """Remove all that no runtime reads: where each node came from in the code."""
    for item in (proto, proto.graph, *proto.graph.node, *proto.graph.input, *proto.graph.output):
        del item.metadata_props[:]
        item.doc_string = ""
    del proto.graph.value_info[:]
    proto.producer_name, proto.producer_version = "reason", ""
