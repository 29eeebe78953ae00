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

from reason.base.engines.operators import OPERATORS
from reason.base.engines.sizes import IMAGES, MOST_VALUES, FaultError, Sizes
from reason.errors import BundleError, ConfigError
from reason.files import open_regular

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

INPUT, LOGITS, EMBEDDING = "images", "logits", "embedding"
"""Names of the graph's input and of its first two outputs; further outputs are named after the keys of the taps."""

GRAPH_FILE, WEIGHTS_FILE = "best_base.onnx", "best_base.safetensors"
"""Names of the two files in a bundle."""

WEIGHT = "weight:"
"""What an external initialiser's name starts with; the name of its tensor follows."""

MOST_NODES, MOST_BYTES = 10_000, 2**21
"""Largest graph that is read."""
MOST_CONSTANT = 4096
"""Most numbers of a constant inside the graph; larger ones are weights, and come from the weights' file."""
MOST_TOGETHER = 1024
"""Most images of a graph that takes a fixed number of them."""
LARGEST_ATTRIBUTE = 4096
"""Largest whole number of an attribute, such as a padding."""


FLOAT = 1
"""ONNX's number of single precision."""
DTYPES = {FLOAT: "F32", 10: "F16", 6: "I32", 7: "I64", 9: "BOOL"}
"""What safetensors calls ONNX's types of weights."""


@dataclass(frozen=True, slots=True)
class Form:
    """The images that a graph takes."""

    batch: int | None
    """Number of images; ``None`` for any."""
    shape: tuple[int | None, int | None, int | None]
    """Channels and sides, ``None`` for any."""

    @property
    def any_size(self) -> bool:
        """Whether it takes images of any sides."""
        return None in self.shape[1:]


def form_of(model: ModelProto) -> Form:
    """Return which images a graph takes.

    Raises:
        FaultError: it does not take images.
    """
    dims = model.graph.input[0].type.tensor_type.shape.dim
    if len(dims) != 4:
        raise FaultError("must take images [n, channels, h, w]")
    batch, *shape = (dim.dim_value if dim.HasField("dim_value") else None for dim in dims)
    if batch is not None and not 1 <= batch <= MOST_TOGETHER:
        raise FaultError(f"takes {batch} images together")
    return Form(batch, (shape[0], shape[1], shape[2]))


def width_of(model: ModelProto, output: str) -> int:
    """Return how wide a graph says that one of its outputs is, ``[n, width]``.

    Raises:
        FaultError: it does not say it.
    """
    for item in model.graph.output:
        dims = item.type.tensor_type.shape.dim
        if item.name == output and len(dims) == 2 and 1 <= dims[1].dim_value <= MOST_VALUES:
            return int(dims[1].dim_value)
    raise FaultError(f"does not say how wide {output} is")


def pointed_at(model: ModelProto) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return type and shape of each tensor of the weights' file that a graph points at, by name.

    Raises:
        FaultError: it points at something else.
    """
    found = {}
    for tensor in model.graph.initializer:
        if tensor.data_location == tensor.EXTERNAL:
            if not tensor.name.startswith(WEIGHT) or tensor.data_type not in DTYPES:
                raise FaultError(f"points at {tensor.name!r:.80}, which is no weight")
            found[tensor.name.removeprefix(WEIGHT)] = (DTYPES[tensor.data_type], tuple(tensor.dims))
    return found


def opset_of(model: ModelProto) -> int:
    """Return the version of ONNX's own operators that a graph is written in.

    Raises:
        FaultError: it names none.
    """
    for item in model.opset_import:
        if item.domain in ("", "ai.onnx"):
            return int(item.version)
    raise FaultError("names no version of its operators")


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


def pointer(key: str, file: str, found: Stored) -> TensorProto:
    """Return an initialiser that points at a tensor of the weights' file."""
    from onnx import TensorProto

    kinds = {called: number for number, called in DTYPES.items()}
    tensor = TensorProto(name=WEIGHT + key, data_type=kinds[found.dtype], dims=found.shape)
    tensor.data_location = TensorProto.EXTERNAL
    for name, value in (("location", file), ("offset", found.offset), ("length", found.length)):
        tensor.external_data.add(key=name, value=str(value))
    return tensor


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
            raise FaultError("holds functions or training, which no export has")
        _check_graph(model.graph, weights, widths)
        _check_sizes(model, shape, widths)
    except FaultError as fault:
        raise BundleError(f"{path}: {fault}; export it again with `reason export`.") from None


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
        raise FaultError("is larger than a network's graph, or holds what none needs")
    if [item.name for item in graph.input] != [INPUT]:
        raise FaultError(f"must have the one input {INPUT!r}")
    if [item.name for item in graph.output] != list(widths):
        raise FaultError(f"must put out {', '.join(widths)}")
    for node in graph.node:
        _check_node(node)
    tensors = stored_tensors(weights)
    for tensor in graph.initializer:
        _check_tensor(tensor, weights.name, tensors)


def _check_node(node: NodeProto) -> None:
    if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
        raise FaultError(f"has the operator {node.domain or 'ai.onnx'}:{node.op_type}, which no export has"[:200])
    for attribute in node.attribute:
        if attribute.HasField("g") or attribute.graphs or attribute.HasField("sparse_tensor") or attribute.tensors:
            raise FaultError(f"has a {node.op_type} with a graph inside")
        if node.op_type == "Einsum" and len(node.input) > 2:
            raise FaultError("has an Einsum of more than two values")
        if attribute.HasField("t"):
            _check_constant(attribute.t)
        for number in (attribute.i, *attribute.ints):
            if abs(number) > LARGEST_ATTRIBUTE:
                raise FaultError(f"has a {node.op_type} with {attribute.name} = {number}")


def _check_constant(tensor: TensorProto) -> None:
    if tensor.data_location == tensor.EXTERNAL or tensor.external_data or prod(tensor.dims) > MOST_CONSTANT:
        raise FaultError("has a constant that is not small, or lies elsewhere")


def _check_tensor(tensor: TensorProto, file: str, tensors: Mapping[str, Stored]) -> None:
    """Check that an initialiser is small, or is exactly one of the tensors of the weights' file."""
    if tensor.data_location != tensor.EXTERNAL:
        return _check_constant(tensor)
    found = tensors.get(tensor.name.removeprefix(WEIGHT))
    given = {entry.key: entry.value for entry in tensor.external_data}
    if found is None or not tensor.name.startswith(WEIGHT):
        raise FaultError(f"points at {tensor.name!r:.80}, which the weights do not have")
    wanted = {"location": file, "offset": str(found.offset), "length": str(found.length)}
    if given != wanted or (DTYPES.get(tensor.data_type), tuple(tensor.dims)) != (found.dtype, found.shape):
        raise FaultError(f"points at {tensor.name!r:.80} where it does not lie in {file}")
    return None


def _check_sizes(model: ModelProto, shape: tuple[int, int, int], widths: Mapping[str, int]) -> None:
    """Infer the shape of every value, so that no node can ask for more memory than a network does."""
    form = form_of(model)
    sizes = Sizes(opset_of(model), images=form.batch or IMAGES, any_size=form.any_size)
    if form.shape not in ((None, None, None), (shape[0], None, None), shape):
        raise FaultError(f"takes images {form.shape} and not {shape}")
    sizes.add(INPUT, model.graph.input[0].type.tensor_type.elem_type, (sizes.images, *shape))
    for tensor in model.graph.initializer:
        inside = tensor.data_location != tensor.EXTERNAL
        sizes.add(tensor.name, tensor.data_type, tensor.dims, _numbers(tensor) if inside else None)
    for node in model.graph.node:
        sizes.visit(node)
    for name, width in widths.items():
        found = sizes.shape(name) if name in sizes.types else None
        if found != (sizes.images, width) or sizes.dtype(name) != FLOAT:
            raise FaultError(f"does not put out {name} as {width} numbers for each image")


def _numbers(tensor: TensorProto) -> Any:
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(tensor)
    except Exception:  # its bytes are not those of its shape
        raise FaultError(f"has a constant {tensor.name!r:.80} that cannot be read") from None
