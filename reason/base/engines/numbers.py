"""Arithmetic on the small whole numbers inside a graph: sizes, places, axes, and conditions on them.

What is known of them tells how large the values are that a graph computes, before a runtime computes any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto

Numbers = NDArray[Any]
Attributes = Mapping[str, Any]
Operation = Callable[[Attributes, Sequence[Numbers]], Numbers]

MOST_NUMBERS = 4096
"""Most numbers of a value that is followed."""


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """Return the attributes of a node by name."""
    from onnx import helper

    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


def evaluate(node: NodeProto, inputs: Sequence[Numbers]) -> Numbers | None:
    """Return what a node makes of numbers that are all known; ``None`` where that is not followed.

    Args:
        node: any node of one output.
        inputs: its inputs; of an input that is left out, an empty array of type ``object``.
    """
    operation = OPERATIONS.get(node.op_type)
    if operation is None or len(node.output) != 1:
        return None
    try:
        with np.errstate(all="ignore"):
            return np.asarray(operation(attributes_of(node), inputs))
    except (ValueError, IndexError, TypeError, KeyError, OverflowError, MemoryError):
        return None  # the inference of shapes, or the runtime, says what is wrong with it


def _axes(attributes: Attributes, inputs: Sequence[Numbers]) -> tuple[int, ...]:
    if len(inputs) > 1 and inputs[1].dtype != object:
        return tuple(int(axis) for axis in inputs[1].reshape(-1))
    return tuple(attributes.get("axes", ()))


def _unsqueeze(attributes: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    return np.expand_dims(inputs[0], _axes(attributes, inputs))


def _squeeze(attributes: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    axes = _axes(attributes, inputs)
    return np.squeeze(inputs[0], axes or None)


def _reshape(attributes: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    numbers, shape = inputs[0], inputs[1].tolist()
    if not attributes.get("allowzero"):
        shape = [numbers.shape[place] if size == 0 else size for place, size in enumerate(shape)]
    return numbers.reshape(shape)


def _slice(_: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    numbers, starts, ends = inputs[0], inputs[1].tolist(), inputs[2].tolist()
    given = [item.tolist() if item.dtype != object else None for item in inputs[3:5]]
    axes = given[0] if given and given[0] is not None else range(len(starts))
    steps = given[1] if len(given) > 1 and given[1] is not None else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = numbers.shape[axis]
        # Beyond the front, a step back ends before the first number, which Python writes as no end.
        stop = None if step < 0 and end < -size else end
        numbers = np.moveaxis(np.moveaxis(numbers, axis, 0)[slice(start, stop, step)], 0, axis)
    return numbers


def _cast(attributes: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    from onnx import helper

    return inputs[0].astype(helper.tensor_dtype_to_np_dtype(attributes["to"]))


def _divide(_: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    one, other = inputs
    if one.dtype.kind == "f":
        return np.asarray(one / other)
    if not other.all():
        raise ValueError
    return np.asarray(np.sign(one) * np.sign(other) * (np.abs(one) // np.abs(other))).astype(one.dtype)


def _modulo(attributes: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    if not inputs[1].all():
        raise ValueError
    return np.asarray(np.fmod(*inputs) if attributes.get("fmod") else np.mod(*inputs))


def _constant_of_shape(attributes: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    from onnx import numpy_helper

    value = attributes.get("value")
    number = np.zeros(1, np.float32) if value is None else numpy_helper.to_array(value)
    return np.full(tuple(inputs[0].tolist()), number.reshape(()), number.dtype)


def _constant(attributes: Attributes, _: Sequence[Numbers]) -> Numbers:
    from onnx import numpy_helper

    if "value" in attributes:
        return numpy_helper.to_array(attributes["value"])
    ((name, value),) = attributes.items()
    return np.array(value, np.int64 if name.startswith("value_int") else np.float32)


def _expand(_: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    shape = np.broadcast_shapes(inputs[0].shape, tuple(inputs[1].tolist()))
    return np.broadcast_to(inputs[0], shape)


def _range(_: Attributes, inputs: Sequence[Numbers]) -> Numbers:
    start, limit, step = (item.reshape(()).item() for item in inputs)
    return np.arange(start, limit, step).astype(inputs[0].dtype)


def _elementwise(function: Callable[..., Any]) -> Operation:
    def apply(_: Attributes, inputs: Sequence[Numbers]) -> Numbers:
        found = np.asarray(function(*inputs))
        return found if found.dtype == bool else found.astype(inputs[-1].dtype)

    return apply


def _over_all(function: Callable[..., Any]) -> Operation:
    def apply(attributes: Attributes, inputs: Sequence[Numbers]) -> Numbers:
        keep = bool(attributes.get("keepdims", 1))
        axes = _axes(attributes, inputs)
        return np.asarray(function(inputs[0], axis=axes or None, keepdims=keep)).astype(inputs[0].dtype)

    return apply


_ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Abs": np.abs,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Sqrt": np.sqrt,
    "Pow": np.power,
    "Reciprocal": np.reciprocal,
    "Where": np.where,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Not": np.logical_not,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
    "Min": lambda *inputs: np.minimum.reduce(np.broadcast_arrays(*inputs)),
    "Max": lambda *inputs: np.maximum.reduce(np.broadcast_arrays(*inputs)),
}

OPERATIONS: Mapping[str, Operation] = {
    **{name: _elementwise(function) for name, function in _ELEMENTWISE.items()},
    "Cast": _cast,
    "Concat": lambda attributes, inputs: np.concatenate(inputs, attributes["axis"]),
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _divide,
    "Expand": _expand,
    "Flatten": lambda attributes, inputs: inputs[0].reshape(
        int(np.prod(inputs[0].shape[: attributes.get("axis", 1)])), -1
    ),
    "Gather": lambda attributes, inputs: np.take(inputs[0], inputs[1], attributes.get("axis", 0)),
    "Identity": lambda _, inputs: inputs[0],
    "Mod": _modulo,
    "Range": _range,
    "ReduceProd": _over_all(np.prod),
    "ReduceSum": _over_all(np.sum),
    "ReduceMin": _over_all(np.min),
    "ReduceMax": _over_all(np.max),
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Tile": lambda _, inputs: np.tile(inputs[0], inputs[1].tolist()),
    "Transpose": lambda attributes, inputs: np.transpose(inputs[0], attributes.get("perm")),
    "Unsqueeze": _unsqueeze,
}
"""By operator, for those that appear in arithmetic on sizes."""
