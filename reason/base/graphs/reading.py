"""An ONNX file of a classifier to a draft: its images, its logits, and what is refused."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reason.base.engines.graph import FLOAT, INPUT
from reason.base.graphs.draft import Array, Draft
from reason.errors import ConfigError, FitError, first_line

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto, ValueInfoProto

MOST_BYTES = 8 * 2**30
"""Largest file, and largest file of weights beside it, that is read."""

OLDEST_OPSET, OPSET = 13, 17
"""Oldest version of operators that is taken as it is, and the one that older graphs are converted to."""

CHANNELS = (1, 3)
"""Channels that images may have."""

_QUANTISED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "QLinear")
_FLOWING = ("If", "Loop", "Scan", "Sequence", "SplitToSequence", "Optional")


@dataclass(frozen=True, slots=True)
class Images:
    """What a graph says of its images; ``None`` where any number is taken."""

    name: str
    batch: int | None
    channels: int | None
    sides: tuple[int | None, int | None]
    channels_last: bool


def read(path: Path) -> ModelProto:
    """Read an ONNX file with its weights.

    Raises:
        ConfigError: the ``onnx`` package is not installed.
        FitError: it is missing, too large, no ONNX file, or has weights elsewhere than beside it.
    """
    try:
        import onnx
    except ImportError:
        raise ConfigError(f"{path}: reading it takes the onnx package; pip install 'reason[onnx]'.") from None
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FitError(f"{path}: has more than {MOST_BYTES:,} bytes; give a classifier that is smaller.")
        model = onnx.load_model(path, load_external_data=False)
        for tensor in model.graph.initializer:
            _check_place(path, tensor)
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    except FitError:
        raise
    except OSError as error:
        raise FitError(f"{path}: cannot be read ({error.strerror or first_line(error)}).") from None
    except Exception as error:  # protobuf and onnx have several errors for it
        raise FitError(f"{path}: is no ONNX file that can be read ({first_line(error, 120)}).") from None
    return model


def _check_place(path: Path, tensor: TensorProto) -> None:
    places = [entry.value for entry in tensor.external_data if entry.key == "location"]
    for place in places:
        beside = path.parent / place
        if Path(place).name != place or beside.is_symlink() or not beside.is_file():
            raise FitError(f"{path}: its weights lie in {place[:80]!r}, which must be a file beside it.")
        if beside.stat().st_size > MOST_BYTES:
            raise FitError(f"{beside}: has more than {MOST_BYTES:,} bytes; give a classifier that is smaller.")


def images_of(model: ModelProto, source: str) -> Images:
    """Return what a graph says of its images.

    Raises:
        FitError: it does not take images alone.
    """
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in stored]
    if len(inputs) != 1:
        names = ", ".join(item.name for item in inputs)[:100] or "none"
        raise FitError(f"{source}: takes {len(inputs)} inputs ({names}); export it with the images as its one input.")
    (item,) = inputs
    kind = item.type.tensor_type
    # PyTorch's exporter writes a side that it found to be fixed as a name of digits.
    sides = [side.dim_value or (int(side.dim_param) if side.dim_param.isdigit() else None) for side in kind.shape.dim]
    if kind.elem_type != FLOAT or len(sides) != 4:
        raise FitError(
            f"{source}: its input {item.name[:60]!r} is no batch of images in single precision [n, channels, h, w]; "
            "export it with such an input."
        )
    last = sides[3] in CHANNELS and sides[1] not in CHANNELS
    batch, channels, *rest = [sides[place] for place in ((0, 3, 1, 2) if last else (0, 1, 2, 3))]
    if channels not in (None, *CHANNELS):
        raise FitError(f"{source}: takes images of {channels} channels, and REASON shows it 1 or 3.")
    return Images(item.name, batch, channels, (rest[0], rest[1]), last)


def draft_of(model: ModelProto, shape: tuple[int, int, int], source: str) -> Draft:
    """Return a draft of a model, whose images are then called as those of all graphs and have their channels first.

    Args:
        model: the model with its weights.
        shape: channels and sides of the images.
        source: how messages call it.

    Raises:
        FitError: the model takes other images, has not the one output, or has operators that no classifier needs.
    """
    model = _modern(_without_functions(model, source), source)
    images = images_of(model, source)
    _check_shape(images, shape, source)
    draft = Draft(
        nodes=copy.deepcopy(list(model.graph.node)),
        constants=_constants(model, source),
        opset=_opset(model),
        shape=shape,
        logits=_output(model.graph.output, source),
        batch=images.batch,
        source=source,
    )
    for node in draft.nodes:
        _check_operator(node.domain, node.op_type, source)
    _rename(draft, images)
    return draft


def _without_functions(model: ModelProto, source: str) -> ModelProto:
    from onnx import inliner

    if not model.functions:
        return model
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # onnx has several errors for it
        raise FitError(f"{source}: has functions that cannot be written out ({first_line(error, 120)}).") from None


def _opset(model: ModelProto) -> int:
    return max((int(item.version) for item in model.opset_import if item.domain in ("", "ai.onnx")), default=1)


def _modern(model: ModelProto, source: str) -> ModelProto:
    from onnx import version_converter

    if _opset(model) >= OLDEST_OPSET:
        return model
    try:
        return version_converter.convert_version(model, OPSET)
    except Exception as error:  # it has several errors for what it cannot convert
        raise FitError(
            f"{source}: is of ONNX's operators of version {_opset(model)} and cannot be converted to {OPSET} "
            f"({first_line(error, 120)}); export it with a newer version."
        ) from None


def _check_shape(images: Images, shape: tuple[int, int, int], source: str) -> None:
    wanted = (images.channels, *images.sides)
    if any(side not in (None, given) for side, given in zip(wanted, shape, strict=True)):
        told = " x ".join("any" if side is None else str(side) for side in wanted)
        given = " x ".join(map(str, shape))
        raise FitError(f"{source}: takes images of {told} (channels, sides), and its preprocessing makes {given}.")


def _constants(model: ModelProto, source: str) -> dict[str, Array]:
    from onnx import numpy_helper

    if model.graph.sparse_initializer:
        raise FitError(f"{source}: holds sparse weights; export it with plain ones.")
    try:
        return {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}
    except Exception as error:  # onnx has several errors for it
        raise FitError(f"{source}: holds weights that cannot be read ({first_line(error, 120)}).") from None


def _output(outputs: Sequence[ValueInfoProto], source: str) -> str:
    names = [item.name for item in outputs]
    if len(names) == 1:
        return names[0]
    if "logits" in names:
        return "logits"
    raise FitError(
        f"{source}: puts out {len(names)} values ({', '.join(names)[:100]}); "
        "export it with the logits as its one output, or call them logits."
    )


def _check_operator(domain: str, kind: str, source: str) -> None:
    if kind.startswith(_QUANTISED):
        raise FitError(f"{source}: is quantised ({kind}); give the classifier in single precision.")
    if domain not in ("", "ai.onnx"):
        raise FitError(f"{source}: has the operator {domain}:{kind}, which is not ONNX's own; export it without."[:250])
    if kind.startswith(_FLOWING):
        raise FitError(
            f"{source}: has a {kind}, and a graph that decides as it runs cannot be checked; export it without."
        )


def _rename(draft: Draft, images: Images) -> None:
    """Let the first node read the images under the name of all graphs, with their axes in the order it was made for."""
    from onnx import helper

    here = draft.fresh("images_as_the_classifier_takes_them")
    if images.name != INPUT and draft.fresh(INPUT) != INPUT:  # another value is called so
        _replace(draft, INPUT, draft.fresh("other_images"))
    _replace(draft, images.name, here)
    if images.channels_last:
        draft.nodes.insert(0, helper.make_node("Transpose", [INPUT], [here], perm=[0, 2, 3, 1]))
        draft.notes.append("The graph takes images with their channels last; a Transpose before it turns them.")
    else:
        draft.nodes.insert(0, helper.make_node("Identity", [INPUT], [here]))


def _replace(draft: Draft, old: str, new: str) -> None:
    for node in draft.nodes:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
    if old in draft.constants:
        draft.constants[new] = draft.constants.pop(old)
    draft.logits = new if draft.logits == old else draft.logits
