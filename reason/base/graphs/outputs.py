"""Give a graph its outputs: logits, embedding and pooled taps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reason.base.engines.graph import EMBEDDING, INPUT, LOGITS
from reason.base.engines.sizes import Sizes
from reason.base.graphs.draft import Array, Draft, Probe, probe
from reason.base.graphs.parts import AXES, Part
from reason.base.taps import Tap

if TYPE_CHECKING:
    from onnx import NodeProto

TOLERANCE = 1e-4
"""Largest difference of two logits that count as equal, as a share of the largest logit, or of 1 where that is less."""

HEAD_WEIGHT, HEAD_BIAS = "head.weight", "head.bias"
"""Names of the arrays of a linear head, ``[classes, features]`` and ``[classes]``."""

_MOST_PROBED = 1024
"""Unit vectors that pass through the head together."""


def put_out(draft: Draft, sizes: Sizes, head: Part, taps: Sequence[tuple[Tap, Part]]) -> None:
    """Name the outputs in ``draft.names``: logits, embedding, and the keys of the taps in their order."""
    writer = _Writer(draft, sizes)
    named = {LOGITS: draft.logits, EMBEDDING: writer.mean(head)}
    for tap, part in taps:
        named |= writer.pooled(tap, part)
    draft.names = named


def make_linear(draft: Draft, sizes: Sizes, head: Part, images: Array) -> bool:
    """Write the logits as a linear function of the embedding, where they are one; return whether they are.

    Args:
        draft: a graph whose outputs are named.
        sizes: its walk.
        head: what enters the last layer.
        images: some images ``[n, channels, h, w]`` to compare both on.
    """
    from onnx import helper

    found = _linear(draft, sizes, head)
    if found is None:
        return False
    weight, bias = (_exact(draft, array) for array in found)
    logits, embedding = probe(draft, {INPUT: 4}, [draft.names[LOGITS], draft.names[EMBEDDING]])({INPUT: images})
    if embedding.shape[1] != weight.shape[1] or not close(embedding @ weight.T + bias, logits):
        return False
    draft.constants |= {HEAD_WEIGHT: weight, HEAD_BIAS: bias}
    name = draft.fresh("linear_logits")
    draft.nodes.append(helper.make_node("Gemm", [draft.names[EMBEDDING], HEAD_WEIGHT, HEAD_BIAS], [name], transB=1))
    draft.names[LOGITS] = draft.logits = name
    draft.prune(list(draft.names.values()))
    return True


def close(found: Array, expected: Array) -> bool:
    """Return whether logits are equal to ``TOLERANCE``; NaN equals nothing."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return False
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0)))
    return bool(np.abs(found - expected).max(initial=0) <= limit)


def _linear(draft: Draft, sizes: Sizes, head: Part) -> tuple[Array, Array] | None:
    """Return weight and bias of what leads from the embedding to the logits, as if it were linear."""
    shape = sizes.shape(head.value)
    try:
        run = probe(draft, {head.value: len(shape)}, [draft.names[LOGITS]])
        return _probed(run, draft, head, shape)
    except Exception:  # the logits need more than the embedding, or what lies between takes no such numbers
        return None


def _probed(run: Probe, draft: Draft, head: Part, shape: Sequence[int]) -> tuple[Array, Array]:
    units = np.concatenate([np.zeros((1, head.channels), np.float32), np.eye(head.channels, dtype=np.float32)])
    together = draft.batch or _MOST_PROBED
    units = np.concatenate([units, np.zeros((-len(units) % together, head.channels), np.float32)])
    found = []
    for start in range(0, len(units), together):
        spread = np.expand_dims(units[start : start + together], AXES[head.layout])
        full = np.ascontiguousarray(np.broadcast_to(spread, (together, *shape[1:])))
        found.append(run({head.value: full})[0])
    outputs = np.concatenate(found)
    return (outputs[1 : head.channels + 1] - outputs[0]).T.copy(), outputs[0].copy()


def _exact(draft: Draft, array: Array) -> Array:
    """Return the stored weight that was probed, which has no rounding of the probe."""
    for stored in draft.constants.values():
        if stored.size == array.size and stored.dtype == array.dtype:
            flat = stored.reshape([side for side in stored.shape if side != 1] or [1])
            for same in (flat, flat.T):
                if same.shape == array.shape and np.allclose(same, array, rtol=1e-4, atol=1e-6):
                    return np.array(same)
    return array


class _Writer:
    """Writes nodes at the end of a graph."""

    def __init__(self, draft: Draft, sizes: Sizes) -> None:
        self.draft, self.sizes = draft, sizes

    def mean(self, part: Part) -> str:
        """Return the value of a part's mean over its places, ``[n, channels]``."""
        return self._reduced("ReduceMean", part.value, AXES[part.layout])

    def pooled(self, tap: Tap, part: Part) -> dict[str, str]:
        """Return the values of a tap by key, each ``[n, channels]``."""
        axes = AXES[part.layout]
        if not axes:
            return {tap.name: part.value}
        away = self._node("Sub", [part.value, self._reduced("ReduceMean", part.value, axes, keep=1)])
        variance = self._reduced("ReduceMean", self._node("Mul", [away, away]), axes)
        return {
            f"{tap.name}_mean": self.mean(part),
            f"{tap.name}_max": self._reduced("ReduceMax", part.value, axes),
            f"{tap.name}_std": self._node("Sqrt", [variance]),
        }

    def _reduced(self, kind: str, value: str, axes: Sequence[int], keep: int = 0) -> str:
        if not axes:
            return value
        if self.draft.opset < 18:
            return self._node(kind, [value], axes=list(axes), keepdims=keep)
        return self._node(kind, [value, self._axes(axes)], keepdims=keep)

    def _axes(self, axes: Sequence[int]) -> str:
        name = "reason_axes_" + "_".join(map(str, axes))
        if name not in self.draft.constants:
            self.draft.constants[name] = np.array(axes, np.int64)
            self.sizes.add(name, 7, (len(axes),), self.draft.constants[name])
        return name

    def _node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"reason_{kind}_{len(self.draft.nodes)}"
        node: NodeProto = helper.make_node(kind, inputs, [name], **attributes)
        self.draft.nodes.append(node)
        self.sizes.visit(node)
        return name
