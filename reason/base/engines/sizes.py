"""How large each value of a graph is, told before a runtime computes it.

A walk over the nodes infers the shape of each value from the shapes before it, and follows small whole numbers, because
exporters compute sizes from sizes. The number of images stands as a large prime: a side that is a multiple of it grows
with the images, in proportion. No other way to grow is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from reason.base.engines.numbers import MOST_NUMBERS, Numbers, evaluate
from reason.base.engines.operators import GROWING, KEEPING, LINEAR
from reason.errors import first_line

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto, TypeProto

IMAGES = 65_537
"""Stands for the number of images; a prime, so that only its multiples can be divided by it."""

MOST_VALUES = 2**26
"""Most numbers that one image may put out at any node."""


class Origin(IntEnum):
    """What a number of a graph may depend on."""

    FIXED = 0
    """On nothing."""
    COUNT = 1
    """On the number of images."""
    SIDES = 2
    """On the sides of the images, which a graph for images of any size does not know."""


@dataclass(frozen=True, slots=True)
class Known:
    """Numbers that are known before the graph runs."""

    numbers: Numbers
    origin: Origin


class FaultError(Exception):
    """What is wrong with a graph, as the end of a sentence that starts with its path."""


class Sizes:
    """Walks over a graph.

    Args:
        opset: version of ONNX's operators.
        images: number of images; ``IMAGES`` for any number.
        any_size: whether the graph takes images of other sides too.
        trusting: whether to follow all numbers, and to refuse no size: for a graph that is being written.
    """

    def __init__(self, opset: int, *, images: int = IMAGES, any_size: bool = False, trusting: bool = False) -> None:
        self.opset, self.images = opset, images
        self.any_size, self.trusting = any_size, trusting
        self.types: dict[str, TypeProto] = {}
        self.known: dict[str, Known] = {}

    def add(self, name: str, dtype: int, shape: Sequence[int], numbers: Numbers | None = None) -> None:
        """Take in an input or a constant; ``dtype`` is ONNX's number of a type."""
        from onnx import helper

        self.types[name] = helper.make_tensor_type_proto(dtype, shape)
        if numbers is not None and numbers.size <= MOST_NUMBERS:
            self.known[name] = Known(numbers, Origin.FIXED)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a value."""
        return tuple(side.dim_value for side in self.types[name].tensor_type.shape.dim)

    def dtype(self, name: str) -> int:
        """Return ONNX's number of the type of a value."""
        return self.types[name].tensor_type.elem_type

    def visit(self, node: NodeProto) -> None:
        """Infer what a node puts out.

        Raises:
            FaultError: its size cannot be told, or is too large.
        """
        for name in filter(None, node.input):
            if name not in self.types:
                raise FaultError(f"has a {node.op_type} that reads what nothing before it puts out")
        if not self.trusting:
            self._check_growing(node)
        self.types |= self._inferred(node)
        for name in filter(None, node.output):
            self._check_size(node, name)
        if node.op_type == "Reshape" and prod(self.shape(node.input[0])) != prod(self.shape(node.output[0])):
            raise FaultError("has a Reshape to more or fewer numbers than there are")
        if not self.trusting:
            self._check_axes(node)
        self._follow(node)

    def _check_growing(self, node: NodeProto) -> None:
        """Refuse sizes that are neither constants nor multiples of the number of images."""
        for place in GROWING.get(node.op_type, ()):
            name = node.input[place] if place < len(node.input) else ""
            if name and (name not in self.known or self.known[name].origin > Origin.COUNT):
                raise FaultError(f"has a {node.op_type} whose size cannot be told")

    def _inferred(self, node: NodeProto) -> Mapping[str, TypeProto]:
        import onnx

        read = {name for name in node.input if name}
        try:
            found = onnx.shape_inference.infer_node_outputs(
                onnx.defs.get_schema(node.op_type, self.opset, ""),
                node,
                {name: self.types[name] for name in read},
                {name: _tensor(self.known[name].numbers) for name in read if name in self.known},
                opset_imports=[onnx.helper.make_opsetid("", self.opset)],
            )
        except Exception as error:  # onnx has several errors for it
            raise FaultError(f"has shapes that do not fit ({first_line(error, 100)})") from None
        return {name: kind for name, kind in found.items() if name}

    def _check_size(self, node: NodeProto, name: str) -> None:
        kind = self.types.get(name)
        tensor = kind.tensor_type if kind is not None else None
        if (
            tensor is None
            or not tensor.HasField("shape")
            or any(not side.HasField("dim_value") for side in tensor.shape.dim)
        ):
            raise FaultError(f"has a {node.op_type} whose size cannot be told")
        size = prod(self.shape(name))
        if size % self.images == 0:
            size //= self.images
        if size > MOST_VALUES or (self.images == IMAGES and _grows(size)):  # the second grows faster than the images
            raise FaultError(f"has a {node.op_type} that asks for too much memory")

    def _check_axes(self, node: NodeProto) -> None:
        """Refuse what cuts or widens the axis of the images: sizes would not grow in proportion to them."""
        if self.images != IMAGES:
            return
        if node.op_type in KEEPING:
            before = self.shape(node.input[0])
            for name in filter(None, node.output):
                after = self.shape(name)
                if len(after) != len(before) or any(_grows(a) and a != b for a, b in zip(before, after, strict=True)):
                    raise FaultError(f"has a {node.op_type} that changes the number of images")
        if node.op_type == "Concat":
            for axis in zip(*map(self.shape, node.input), strict=True):
                if any(map(_grows, axis)) and not all(map(_grows, axis)):
                    raise FaultError("has a Concat of images with something else")

    def _follow(self, node: NodeProto) -> None:
        """Follow the numbers that a node puts out, where all that it reads are known."""
        name = node.output[0]
        if node.op_type in ("Shape", "Size"):
            found: Known | None = self._measured(node)
        elif all(item in self.known for item in node.input if item) and prod(self.shape(name)) <= MOST_NUMBERS:
            found = self._computed(node)
        else:
            return
        if found is not None and found.numbers.shape == self.shape(name):
            self.known[name] = found

    def _measured(self, node: NodeProto) -> Known:
        shape = self.shape(node.input[0])
        limits = {item.name: item.i for item in node.attribute}
        part = shape[limits.get("start", 0) : limits.get("end", len(shape))]
        numbers = np.array(part if node.op_type == "Shape" else prod(shape), np.int64)
        of_sides = self.any_size and not bool((numbers % IMAGES == 0).all())
        return Known(numbers, Origin.SIDES if of_sides else self._origin(numbers))

    def _origin(self, numbers: Numbers) -> Origin:
        return Origin.COUNT if self.grows(numbers) else Origin.FIXED

    def grows(self, numbers: Numbers) -> bool:
        """Return whether some of the numbers are multiples of the number of images, where that may be any."""
        return (
            self.images == IMAGES
            and numbers.dtype.kind == "i"
            and bool(((numbers % IMAGES == 0) & (numbers > 0)).any())
        )

    def _computed(self, node: NodeProto) -> Known | None:
        inputs = [self.known.get(item) for item in node.input]
        origin = max((item.origin for item in inputs if item is not None), default=Origin.FIXED)
        numbers = evaluate(node, [_LEFT_OUT if item is None else item.numbers for item in inputs])
        if numbers is None:
            return None
        if origin == Origin.COUNT and not self.trusting and not _is_linear(node, inputs, numbers):
            return None
        if origin == Origin.COUNT and node.op_type in ("Gather", "Slice", "Squeeze", "Unsqueeze"):
            origin = self._origin(numbers)
        return Known(numbers, origin)


_LEFT_OUT = np.array(None, object)
"""Stands for an input that is left out."""


def _grows(side: int) -> bool:
    return side > 0 and side % IMAGES == 0


def _is_linear(node: NodeProto, inputs: Sequence[Known | None], numbers: Numbers) -> bool:
    """Return whether multiples of the number of images stay multiples: whole, and not beyond what their type holds."""
    one, other = (*(item for item in inputs if item is not None), None)[:2]
    if node.op_type == "Cast" and one is not None:
        return numbers.dtype.kind in "if" and bool((numbers == one.numbers).all())
    if node.op_type == "Mul" and one is not None and other is not None:
        return bool((one.numbers.astype(object) * other.numbers.astype(object) == numbers).all())
    if node.op_type == "Div":
        if one is None or other is None or other.origin != Origin.FIXED or one.numbers.dtype.kind != "i":
            return False
        return bool(other.numbers.all()) and not (one.numbers % other.numbers).any()
    return node.op_type in LINEAR


def _tensor(numbers: Numbers) -> TensorProto:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.ascontiguousarray(numbers).reshape(numbers.shape))
