"""An exported graph: how it is stored, and what is checked before a runtime sees it.

The graph holds no weights. Its initialisers are external data of ONNX that point into the base classifier's own
safetensors file, in half precision, and a ``Cast`` behind each makes them single; runtimes do that once.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason.errors import BundleError, ConfigError, first_line
from reason.files import open_regular

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

INPUT, LOGITS, EMBEDDING = "images", "logits", "embedding"
"""Names of the graph's input and of its first two outputs; further outputs are named after the keys of the taps."""

WEIGHT = "weight:"
"""What an external initialiser's name starts with; the name of its tensor follows."""

OPERATORS = frozenset(
    """
    Abs Add AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv Div Elu Erf Exp Flatten Floor Gather
    Gelu Gemm GlobalAveragePool GlobalMaxPool GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization
    LayerNormalization LeakyRelu Log MatMul Max MaxPool Min Mul Neg PRelu Pow Reciprocal ReduceMax ReduceMean ReduceSum
    Relu Reshape Shape Sigmoid Slice Softmax Softplus Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze
    """.split()  # noqa: SIM905 (one name a line would be long)
)
"""Operators that a graph may have: arithmetic on tensors alone. None calls code, opens a file, loops or repeats."""

MOST_NODES, MOST_BYTES = 10_000, 2**21
"""Largest graph that is read."""
MOST_CONSTANT = 4096
"""Most numbers of a constant inside the graph; larger ones are weights, and come from the weights' file."""
MOST_VALUES = 2**26
"""Most numbers that one image may put out at any node."""
LARGEST_ATTRIBUTE = 4096
"""Largest whole number of an attribute, such as a padding."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a tensor lies in a safetensors file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int


def stored_tensors(weights: Path) -> dict[str, Stored]:
    """Return where each tensor of a safetensors file lies; offsets count from the start of the file."""
    with open_regular(weights) as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            found[name] = Stored(entry["dtype"], tuple(entry["shape"]), 8 + length + begin, end - begin)
    return found


def check(path: Path, digest: str, weights: Path, shape: tuple[int, int, int], widths: Mapping[str, int]) -> None:
    """Check everything that a runtime will be given.

    Args:
        path: the graph, beside the weights that it points into.
        digest: SHA-256 of the graph.
        weights: the safetensors file that the graph must point into, checked already.
        shape: channels and sides of the images.
        widths: width of each output by name, in order: logits, embedding, then the taps.

    Raises:
        BundleError: the graph is not the one that was proved, or is not one that ``export`` makes.
        ConfigError: the ``onnx`` package is not installed.
    """
    model = read(path, digest)
    try:
        if model.functions or model.training_info:
            raise _FaultError("holds functions or training, which no export has")
        _check_graph(model.graph, weights, widths)
        _check_memory(model, shape, widths)
    except _FaultError as fault:
        raise BundleError(f"{path}: {fault}; export it again with `reason export`.") from None


class _FaultError(Exception):
    """What is wrong with a graph."""


def read(path: Path, digest: str) -> ModelProto:
    """Read a graph, without its weights.

    Raises:
        BundleError: it is missing, too large, altered, or no graph.
        ConfigError: the ``onnx`` package is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise ConfigError(f"{path.name}: reading it takes the onnx package; pip install 'reason[onnx]'.") from None
    try:
        with open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError:
        raise BundleError(f"{path}: missing or unreadable; export it again with `reason export`.") from None
    if len(data) > MOST_BYTES or hashlib.sha256(data).hexdigest() != digest:
        raise BundleError(f"{path}: was altered (its SHA-256 is not the recorded one); get the bundle again.")
    try:
        return onnx.load_model_from_string(data)
    except Exception:  # protobuf has several errors for it
        raise BundleError(f"{path}: not an ONNX graph; export it again with `reason export`.") from None


def _check_graph(graph: GraphProto, weights: Path, widths: Mapping[str, int]) -> None:
    if len(graph.node) > MOST_NODES or graph.sparse_initializer or graph.quantization_annotation:
        raise _FaultError("is larger than a network's graph, or holds what none needs")
    if [item.name for item in graph.input] != [INPUT]:
        raise _FaultError(f"must have the one input {INPUT!r}")
    if [item.name for item in graph.output] != list(widths):
        raise _FaultError(f"must put out {', '.join(widths)}")
    for node in graph.node:
        _check_node(node)
    tensors = stored_tensors(weights)
    for tensor in graph.initializer:
        _check_tensor(tensor, weights.name, tensors)


def _check_node(node: NodeProto) -> None:
    if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
        raise _FaultError(f"has the operator {node.domain or 'ai.onnx'}:{node.op_type}, which no export has"[:200])
    for attribute in node.attribute:
        if attribute.HasField("g") or attribute.graphs or attribute.HasField("sparse_tensor") or attribute.tensors:
            raise _FaultError(f"has a {node.op_type} with a graph inside")
        if attribute.HasField("t"):
            _check_constant(attribute.t)
        for number in (attribute.i, *attribute.ints):
            if abs(number) > LARGEST_ATTRIBUTE:
                raise _FaultError(f"has a {node.op_type} with {attribute.name} = {number}")


def _check_constant(tensor: TensorProto) -> None:
    if tensor.data_location == tensor.EXTERNAL or tensor.external_data or prod(tensor.dims) > MOST_CONSTANT:
        raise _FaultError("has a constant that is not small, or lies elsewhere")


def _check_tensor(tensor: TensorProto, file: str, tensors: Mapping[str, Stored]) -> None:
    """Check that an initialiser is small, or is exactly one of the tensors of the weights' file."""
    if tensor.data_location != tensor.EXTERNAL:
        return _check_constant(tensor)
    found = tensors.get(tensor.name.removeprefix(WEIGHT))
    given = {entry.key: entry.value for entry in tensor.external_data}
    if found is None or not tensor.name.startswith(WEIGHT):
        raise _FaultError(f"points at {tensor.name!r:.80}, which the weights do not have")
    wanted = {"location": file, "offset": str(found.offset), "length": str(found.length)}
    if (
        given != wanted
        or tensor.data_type != tensor.FLOAT16
        or (found.dtype, found.shape) != ("F16", tuple(tensor.dims))
    ):
        raise _FaultError(f"points at {tensor.name!r:.80} where it does not lie in {file}")
    return None


def _check_memory(model: ModelProto, shape: tuple[int, int, int], widths: Mapping[str, int]) -> None:
    """Infer the shape of every value for one image, so that no node can ask for more memory than a network does."""
    import onnx

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    dims: Any = fixed.graph.input[0].type.tensor_type.shape.dim
    if len(dims) != 4:
        raise _FaultError("must take images [n, channels, h, w]")
    for dim, size in zip(dims, (1, *shape), strict=True):
        dim.dim_value = size
    for output in fixed.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(fixed, check_type=True, strict_mode=True, data_prop=True).graph
    except Exception as error:  # onnx has several errors for it
        raise _FaultError(f"has shapes that do not fit ({first_line(error, 100)})") from None
    known = {item.name: _shape_of(item) for item in (*inferred.value_info, *inferred.output)}
    for node in inferred.node:
        for name in node.output:
            sides = known.get(name)
            if name and (sides is None or None in sides):
                raise _FaultError(f"has a {node.op_type} whose size cannot be told")
            if name and prod(side or 0 for side in sides or ()) > MOST_VALUES:
                raise _FaultError(f"has a {node.op_type} that asks for too much memory")
    for name, width in widths.items():
        if known.get(name) != (1, width):
            raise _FaultError(f"puts out {name} as {known.get(name)} instead of {(1, width)}")


def _shape_of(item: Any) -> tuple[int | None, ...] | None:
    kind = item.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim)
