"""Settle the sizes of a graph: compute what can be computed before it runs, so that arithmetic on images is left.

Exporters write how a size follows from others, node by node, for any number of images. For images of one size only
their number is open, so that such arithmetic becomes constants, ``-1`` in a ``Reshape``, and multiples of the number of
images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reason.base.engines.graph import INPUT
from reason.base.engines.operators import GROWING
from reason.base.engines.sizes import IMAGES, Origin, Sizes
from reason.base.graphs.draft import Array, Draft, probe

if TYPE_CHECKING:
    from onnx import NodeProto

PART_OF_SHAPE = 15
"""Version of operators since which ``Shape`` can put out some axes alone."""

COUNT = "number_of_images"
"""Name of the value that holds it, int64 ``[1]``."""


def settle(draft: Draft) -> Draft:
    """Return the same graph with its sizes settled, in place of ``draft``, which must not be used any more.

    Raises:
        FaultError: a size cannot be told.
    """
    _Settling(draft).run()
    draft.prune([draft.logits, *draft.names.values()])
    _fold(draft)
    draft.prune([draft.logits, *draft.names.values()])
    return draft


class _Settling:
    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.sizes: Sizes = draft.sizes()
        self.nodes: list[NodeProto] = []
        self.same: dict[str, str] = {}
        """Values that are another one under another name."""

    def run(self) -> None:
        for node in self.draft.nodes:
            self._take(node)
        draft = self.draft
        draft.nodes = self.nodes
        draft.logits = self.same.get(draft.logits, draft.logits)
        draft.names = {name: self.same.get(value, value) for name, value in draft.names.items()}

    def _take(self, node: NodeProto) -> None:
        for place, name in enumerate(node.input):
            node.input[place] = self.same.get(name, name)
        node = self._plain(node)
        if node.op_type == "Identity":
            self.same[node.output[0]] = node.input[0]
            return
        self.sizes.visit(node)
        if len(node.output) == 1 and self._is_settled(node.output[0]):
            self.draft.constants[node.output[0]] = np.array(self._numbers(node.output[0]))
            return
        self._settle_inputs(node)
        self.nodes.append(node)

    def _plain(self, node: NodeProto) -> NodeProto:
        """Return the node in terms of others: ``CastLike`` as a cast, ``Dropout`` as what it is without training."""
        from onnx import helper

        if node.op_type == "CastLike":
            return helper.make_node("Cast", [node.input[0]], node.output, to=self.sizes.dtype(node.input[1]))
        if node.op_type == "Dropout":
            return helper.make_node("Identity", [node.input[0]], [node.output[0]])
        if node.op_type == "Cast" and node.input[0] in self.sizes.types:
            (kind,) = (item.i for item in node.attribute if item.name == "to")
            if self.sizes.dtype(node.input[0]) == kind:
                return helper.make_node("Identity", node.input, node.output)
        return node

    def _is_settled(self, name: str) -> bool:
        known = self.sizes.known.get(name)
        if known is None or known.origin == Origin.SIDES:
            return False
        return not self.sizes.grows(known.numbers)

    def _numbers(self, name: str) -> Array:
        return np.asarray(self.sizes.known[name].numbers)

    def _settle_inputs(self, node: NodeProto) -> None:
        if self.draft.batch is not None:
            return
        if node.op_type == "Reshape":
            self._settle_reshape(node)
        elif node.op_type == "Slice":
            self._settle_slice(node)
        for place in GROWING.get(node.op_type, ()):
            name = node.input[place] if place < len(node.input) else ""
            known = self.sizes.known.get(name)
            if known is not None and known.origin == Origin.COUNT and known.numbers.ndim == 1:
                node.input[place] = self._counted(known.numbers)

    def _settle_reshape(self, node: NodeProto) -> None:
        """Leave to the runtime the one side that grows with the images, and write all others."""
        known = self.sizes.known.get(node.input[1])
        shape = self.sizes.shape(node.output[0])
        grows = [side > 0 and side % IMAGES == 0 for side in shape]
        if known is None or known.origin != Origin.COUNT or sum(grows) != 1:
            return
        sides = [-1 if grow else side for grow, side in zip(grows, shape, strict=True)]
        node.input[1] = self._constant("shape", np.array(sides, np.int64))

    def _settle_slice(self, node: NodeProto) -> None:
        """Take the whole axis of the images where its end is computed to be their number."""
        known = self.sizes.known.get(node.input[2])
        if known is not None and self.sizes.grows(known.numbers):
            ends = np.where(known.numbers % IMAGES == 0, np.iinfo(np.int64).max, known.numbers)
            node.input[2] = self._constant("ends", ends.astype(np.int64))

    def _counted(self, numbers: Array) -> str:
        """Return the value that holds these numbers, written by the number of images."""
        from onnx import helper

        parts = []
        for number in numbers.tolist():
            times, rest = divmod(number, IMAGES)
            if rest or not number:
                parts.append(self._constant("size", np.array([number], np.int64)))
                continue
            parts.append(self._count())
            if times > 1:
                factor = self._constant("times", np.array([times], np.int64))
                parts[-1] = self._add(helper.make_node("Mul", [self._count(), factor], [self._name("images")]))
        if len(parts) == 1:
            return parts[0]
        return self._add(helper.make_node("Concat", parts, [self._name("sizes")], axis=0))

    def _count(self) -> str:
        from onnx import helper

        if COUNT not in self.sizes.types:
            if self.draft.opset >= PART_OF_SHAPE:
                self._add(helper.make_node("Shape", [INPUT], [COUNT], start=0, end=1))
                return COUNT
            shape = self._add(helper.make_node("Shape", [INPUT], [self._name("shape_of_images")]))
            first = self._constant("first", np.array([0], np.int64))
            self._add(helper.make_node("Gather", [shape, first], [COUNT], axis=0))
        return COUNT

    def _add(self, node: NodeProto) -> str:
        self.sizes.visit(node)
        self.nodes.append(node)
        return str(node.output[0])

    def _constant(self, stem: str, array: Array) -> str:
        name = self._name(stem)
        self.draft.constants[name] = array
        self.sizes.add(name, 7, array.shape, array)
        return name

    def _name(self, stem: str) -> str:
        return f"reason_{stem}_{len(self.sizes.types)}"


def _fold(draft: Draft) -> None:
    """Compute by ONNX Runtime what depends on constants alone, such as weights that are normalised as they are used."""
    fixed = set(draft.constants)
    kept, folded = [], []
    for node in draft.nodes:
        if all(name in fixed for name in node.input if name):
            fixed.update(node.output)
            folded.append(node)
        else:
            kept.append(node)
    if not folded:
        return
    read = {name for node in kept for name in node.input} | {draft.logits, *draft.names.values()}
    wanted = [name for node in folded for name in node.output if name in read]
    draft.constants.update(zip(wanted, probe(draft, {}, wanted)({}), strict=True))
    draft.nodes = kept
