"""Write a graph and its weights as a bundle holds them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file

from reason.base.base import compact
from reason.base.engines.exported import ExportedFiles
from reason.base.engines.graph import FLOAT, GRAPH_FILE, INPUT, WEIGHTS_FILE, Stored, pointer, stored_tensors
from reason.base.graphs.draft import INSIDE, Array, Draft, model_of
from reason.base.graphs.outputs import HEAD_BIAS, HEAD_WEIGHT
from reason.errors import FitError
from reason.files import sha256_of

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

LARGEST = 1e15
"""Numbers beyond this, such as those that mask places of attention, are stored as this: no softmax tells them apart."""

_FLOAT16 = 10


def write(draft: Draft, widths: Mapping[str, int], folder: Path) -> ExportedFiles:
    """Write a graph whose outputs are named, and its weights.

    Args:
        draft: the graph.
        widths: width of each output, in order.
        folder: is made where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = _keys(draft)
    save_file({key: _stored(draft.constants[name], draft.source) for name, key in keys.items()}, folder / WEIGHTS_FILE)
    data = _graph(draft, widths, keys, stored_tensors(folder / WEIGHTS_FILE))
    (folder / GRAPH_FILE).write_bytes(data)
    with (folder / WEIGHTS_FILE).open("rb") as file:
        digest = sha256_of(file)
    return ExportedFiles(
        folder / GRAPH_FILE, hashlib.sha256(data).hexdigest(), folder / WEIGHTS_FILE, digest, tuple(widths), draft.batch
    )


def _keys(draft: Draft) -> dict[str, str]:
    """Return the name in the weights' file of each constant that lies there."""
    keys: dict[str, str] = {}
    for name, array in draft.constants.items():
        if name in (HEAD_WEIGHT, HEAD_BIAS):
            keys[name] = name
        elif array.size > INSIDE:
            plain = re.sub(r"[^A-Za-z0-9_.]+", "_", name.removeprefix("network."))[-100:]
            key = f"network.{plain}"
            keys[name] = key if key not in keys.values() else f"{key}.{len(keys)}"
    return keys


def _stored(array: Array, source: str) -> torch.Tensor:
    """Return a constant as it is stored: in half precision where that is exact."""
    if array.dtype.kind == "f":
        array = np.clip(array, -LARGEST, LARGEST)
        if not np.isfinite(array).all():
            raise FitError(f"{source}: has weights that are not finite; train it again.")
    tensor = torch.from_numpy(np.array(array, order="C"))
    return compact(tensor) if tensor.dtype == torch.float32 else tensor


def _graph(draft: Draft, widths: Mapping[str, int], keys: Mapping[str, str], stored: Mapping[str, Stored]) -> bytes:
    from onnx import helper, numpy_helper

    short = _short_names(draft)
    initializers: list[TensorProto] = []
    casts: list[NodeProto] = []
    for name, array in draft.constants.items():
        if name not in keys:
            initializers.append(numpy_helper.from_array(array, short[name]))
            continue
        tensor = pointer(keys[name], WEIGHTS_FILE, stored[keys[name]])
        initializers.append(tensor)
        if tensor.data_type == _FLOAT16 and array.dtype == np.float32:
            casts.append(helper.make_node("Cast", [tensor.name], [short[name]], to=FLOAT))
        else:
            short[name] = tensor.name
    nodes = [*casts, *(_renamed(node, short) for node in draft.nodes)]
    nodes += [helper.make_node("Identity", [short[value]], [output]) for output, value in draft.names.items()]
    sides = [None, None] if draft.any_size else list(draft.shape[1:])
    model = model_of(nodes, {INPUT: (FLOAT, [draft.batch, draft.shape[0], *sides])}, list(widths), draft.opset)
    model.graph.initializer.extend(initializers)
    for item in model.graph.output:
        item.CopyFrom(helper.make_tensor_value_info(item.name, FLOAT, [draft.batch, widths[item.name]]))
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _short_names(draft: Draft) -> dict[str, str]:
    """Return new names of all values, which none of the outputs has."""
    names = dict.fromkeys([*draft.constants, *(name for node in draft.nodes for name in (*node.input, *node.output))])
    names.pop("", None)
    names.pop(INPUT, None)
    return {INPUT: INPUT, "": "", **{name: f"v{number}:" for number, name in enumerate(names)}}


def _renamed(node: NodeProto, short: Mapping[str, str]) -> NodeProto:
    from onnx import NodeProto

    plain = NodeProto(op_type=node.op_type, domain="")
    plain.input.extend(short[name] for name in node.input)
    plain.output.extend(short[name] for name in node.output)
    plain.attribute.extend(node.attribute)
    return plain
