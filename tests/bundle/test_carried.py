"""Bundles whose base classifier is carried by its graph: they need none of the code that made them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from PIL import Image

import reason
from reason.base.engines.choice import RUNTIMES
from reason.base.graphs.base import GraphBase
from reason.bundle.folders import BASE, GRAPH
from reason.detector.detector import Detector
from reason.errors import BundleError, ConfigError

from .forging import edit_arrays, edit_card, seal_again

PICTURE = Image.radial_gradient("L").resize((60, 40))

JUDGE = """
import json, sys
import reason
from PIL import Image

detector = reason.load(sys.argv[1], engine=sys.argv[2])
(verdict,) = detector.predict([Image.radial_gradient("L").resize((60, 40))])
print(json.dumps([verdict.reliability, verdict.class_, verdict.digest, detector.engine.name]))
assert "torch.onnx" not in sys.modules and "onnxscript" not in sys.modules
"""


def verdict_of(detector: Detector) -> dict[str, Any]:
    facts = detector.predict([PICTURE])[0].to_dict()
    del facts["timings_ms"], facts["digest"], facts["latent"]  # where arrays lie decides the last bit of a place
    return facts


@pytest.fixture
def folder(carried_folder: Path, tmp_path: Path) -> Path:
    """A copy to write to."""
    return Path(shutil.copytree(carried_folder, tmp_path / "carried"))


def test_a_saved_detector_judges_as_before(carried_detector: Detector, carried_folder: Path) -> None:
    loaded = reason.load(carried_folder)
    assert loaded.engine.name == "onnx"
    assert loaded.architecture == "graph"
    assert verdict_of(loaded) == verdict_of(carried_detector)


@pytest.mark.parametrize("engine", ["auto", "onnx", "openvino"])
def test_a_fresh_process_needs_none_of_the_users_code(carried_folder: Path, tmp_path: Path, engine: str) -> None:
    (expected,) = reason.load(carried_folder).predict([PICTURE])
    run = subprocess.run(
        [sys.executable, "-c", JUDGE, str(carried_folder), engine], capture_output=True, text=True, check=True
    )
    reliability, class_, digest, name = json.loads(run.stdout)
    assert (class_, digest) == (expected.class_, expected.digest)
    assert reliability == pytest.approx(expected.reliability, abs=1e-4)
    assert name == ("onnx" if engine == "auto" else engine)


def test_saving_again_gives_the_same_bundle(carried_folder: Path, tmp_path: Path) -> None:
    loaded = reason.load(carried_folder)
    assert reason.save(loaded, tmp_path / "again") == loaded.digest
    assert reason.save(reason.load(tmp_path / "again"), tmp_path / "again") == loaded.digest
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == sorted(
        path.name for path in carried_folder.iterdir()
    )


def test_the_torch_engine_is_refused(carried_folder: Path) -> None:
    for engine in ("torch", "openvino-bf16"):
        with pytest.raises(ConfigError, match=f"engine {engine}: carried is carried by a graph; use onnx, openvino or"):
            reason.load(carried_folder, engine=engine)


def test_without_a_runtime_the_way_out_is_said(carried_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(RUNTIMES["onnx"]), "installed", property(lambda self: False))
    with pytest.raises(ConfigError, match=r"carried by a graph, which takes a runtime; pip install 'reason\[onnx\]'"):
        reason.load(carried_folder)


def test_files_that_changed_since_are_not_saved(carried_folder: Path, folder: Path, tmp_path: Path) -> None:
    loaded = reason.load(folder)
    (folder / GRAPH).write_bytes((folder / GRAPH).read_bytes() + b"\0")
    with pytest.raises(BundleError, match="is not the file that was loaded any more"):
        reason.save(loaded, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_cannot_be_done_with_a_graph_is_said(carried_folder: Path) -> None:
    with pytest.raises(BundleError, match="holds no PyTorch network"):
        _ = reason.load(carried_folder).tapped


def forged(folder: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx.load_model_from_string((folder / GRAPH).read_bytes())
    change(model)
    (folder / GRAPH).write_bytes(model.SerializeToString())
    seal_again(folder, GRAPH)


def insert(model: onnx.ModelProto, *nodes: Any, constants: dict[str, Any] | None = None) -> None:
    """Put nodes before all others, on the images; what read the images reads the last of them."""
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == "images":
                node.input[place] = nodes[-1].output[0]
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    for name, array in (constants or {}).items():
        model.graph.initializer.append(numpy_helper.from_array(array.numpy(), name))


def ints(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.int64)


def expand(model: onnx.ModelProto) -> None:
    insert(
        model,
        helper.make_node("Expand", ["images", "huge"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["changed"]),
        constants={"huge": ints(2**30, 1, 1, 1, 1)},
    )


def expand_by_a_square(model: onnx.ModelProto) -> None:
    """Take how often from the number of images times itself."""
    insert(
        model,
        helper.make_node("Shape", ["images"], ["n"], start=0, end=1),
        helper.make_node("Mul", ["n", "n"], ["nn"]),
        helper.make_node("ConstantOfShape", ["nn"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["changed"]),
    )


def expand_by_a_comparison(model: onnx.ModelProto) -> None:
    """Ask for much when seven images come, and for little otherwise."""
    insert(
        model,
        helper.make_node("Shape", ["images"], ["n"], start=0, end=1),
        helper.make_node("Equal", ["n", "seven"], ["is_seven"]),
        helper.make_node("Where", ["is_seven", "huge", "little"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["changed"]),
        constants={"seven": ints(7), "huge": ints(2**40), "little": ints(1)},
    )


def expand_by_a_division(model: onnx.ModelProto) -> None:
    """Ask for more the fewer images come."""
    insert(
        model,
        helper.make_node("Shape", ["images"], ["n"], start=0, end=1),
        helper.make_node("Div", ["huge", "n"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["changed"]),
        constants={"huge": ints(2**40)},
    )


def expand_by_overflow(model: onnx.ModelProto) -> None:
    """Multiply until the number that stands for any number of images overflows to a small one."""
    prime = 65_537
    factor = pow(prime, -1, 2**64)
    factor -= 2**64 if factor >= 2**63 else 0
    insert(
        model,
        helper.make_node("Shape", ["images"], ["n"], start=0, end=1),
        helper.make_node("Mul", ["n", "factor"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["changed"]),
        constants={"factor": ints(factor)},
    )


def expand_by_a_narrow_number(model: onnx.ModelProto) -> None:
    """Let the number of images overflow in eight bits, where the number that stands for any is one."""
    insert(
        model,
        helper.make_node("Shape", ["images"], ["n"], start=0, end=1),
        helper.make_node("Cast", ["n"], ["narrow"], to=onnx.TensorProto.INT8),
        helper.make_node("Cast", ["narrow"], ["wide"], to=onnx.TensorProto.INT64),
        helper.make_node("Mul", ["wide", "much"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["changed"]),
        constants={"much": ints(2**26)},
    )


def some_images_alone(model: onnx.ModelProto) -> None:
    """Cut the axis of the images, so that a size stops growing with them and may be divided by."""
    insert(
        model,
        helper.make_node("Slice", ["images", "first", "fifth", "first"], ["few"]),
        helper.make_node("Shape", ["few"], ["n"], start=0, end=1),
        helper.make_node("Div", ["huge", "n"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["changed"]),
        constants={"first": ints(0), "fifth": ints(4096), "huge": ints(2**37)},
    )


def tile(model: onnx.ModelProto) -> None:
    insert(
        model,
        helper.make_node("Tile", ["images", "times"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["changed"]),
        constants={"times": ints(1, 1, 2**16, 2**16)},
    )


def resize(model: onnx.ModelProto) -> None:
    node = helper.make_node("Resize", ["images", "", "", "huge"], ["many"])
    insert(
        model,
        node,
        helper.make_node("ReduceMax", ["many"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["changed"]),
        constants={"huge": ints(1, 1, 2**16, 2**16)},
    )


def pad_by_pixels(model: onnx.ModelProto) -> None:
    """Take a padding from the values of the pixels."""
    insert(
        model,
        helper.make_node("Cast", ["images"], ["numbers"], to=onnx.TensorProto.INT64),
        helper.make_node("Reshape", ["numbers", "flat"], ["row"]),
        helper.make_node("Slice", ["row", "first", "eighth"], ["pads"]),
        helper.make_node("Pad", ["images", "pads"], ["changed"]),
        constants={"flat": ints(-1), "first": ints(0), "eighth": ints(8)},
    )


def range_of_a_size(model: onnx.ModelProto) -> None:
    insert(
        model,
        helper.make_node("Range", ["zero", "huge", "step"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["one"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Add", ["images", "one"], ["changed"]),
        constants={"zero": torch.tensor(0), "huge": torch.tensor(2**40), "step": torch.tensor(1)},
    )


def outer_products(model: onnx.ModelProto) -> None:
    """Sum over what is never put out: the intermediate result has the fourth power of a picture's numbers."""
    insert(
        model,
        helper.make_node("Einsum", ["images"] * 4, ["one"], equation="abcd,aefg,ahij,aklm->a"),
        helper.make_node("Reshape", ["one", "each"], ["column"]),
        helper.make_node("Add", ["images", "column"], ["changed"]),
        constants={"each": ints(-1, 1, 1, 1)},
    )


def a_loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    insert(model, helper.make_node("Loop", ["", "", "images"], ["changed"], body=body))


def random_numbers(model: onnx.ModelProto) -> None:
    insert(
        model,
        helper.make_node("RandomNormalLike", ["images"], ["noise"]),
        helper.make_node("Add", ["images", "noise"], ["changed"]),
    )


def a_million_together(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 10**6


def no_width(model: onnx.ModelProto) -> None:
    model.graph.output[1].type.tensor_type.ClearField("shape")


def another_width(model: onnx.ModelProto) -> None:
    model.graph.output[1].type.tensor_type.shape.dim[1].dim_value = 7


def a_weight_less(model: onnx.ModelProto) -> None:
    """Leave a tensor of the file that nothing points at."""
    (place,) = (i for i, item in enumerate(model.graph.initializer) if item.name == "weight:head.bias")
    bias = model.graph.initializer[place]
    width = bias.dims[0]
    del model.graph.initializer[place]
    model.graph.initializer.append(numpy_helper.from_array(torch.zeros(width).numpy(), "zeros"))
    for node in model.graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = "zeros" if name == "weight:head.bias" else name


HOSTILE = [
    *(expand, expand_by_a_square, expand_by_a_comparison, expand_by_a_division, expand_by_overflow),
    *(expand_by_a_narrow_number, some_images_alone, tile, resize, pad_by_pixels, range_of_a_size, outer_products),
    *(a_loop, random_numbers, a_million_together, no_width, another_width, a_weight_less),
]


@pytest.mark.parametrize("change", HOSTILE)
def test_a_hostile_graph_never_reaches_a_runtime(
    folder: Path, change: Callable[[onnx.ModelProto], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forged(folder, change)
    with pytest.raises(BundleError) as caught:
        reason.load(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_harmless_changes_are_another_bundle(folder: Path) -> None:
    """The refusals above are of what was changed, and not of any change."""

    def scaled(model: onnx.ModelProto) -> None:
        insert(
            model,
            helper.make_node("Shape", ["images"], ["n"], start=0, end=1),
            helper.make_node("ConstantOfShape", ["n"], ["zeros"]),
            helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
            helper.make_node("Add", ["images", "zero"], ["changed"]),
        )

    digest = reason.load(folder).digest
    before = verdict_of(reason.load(folder))
    forged(folder, scaled)
    loaded = reason.load(folder)
    assert loaded.digest != digest
    assert verdict_of(loaded) == before


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda card: card["files"].pop(GRAPH), f"does not list {GRAPH}, which carries its base classifier"),
        (lambda card: card["files"].pop(BASE), f"does not list {BASE}, which carries its base classifier"),
        (lambda card: card["classes"].append("more"), "head"),
        (lambda card: card["taps"].pop(), "has arrays other than"),
        (lambda card: card["preprocessing"].update(size=1024), "asks for too much memory|takes images|shapes"),
        (lambda card: card.update(architecture="cnn"), "does not fit|taps"),
    ],
    ids=["no graph", "no weights", "more classes", "fewer taps", "larger images", "another architecture"],
)
def test_a_card_that_does_not_fit_its_graph(folder: Path, change: Callable[[Any], None], fault: str) -> None:
    edit_card(folder, change)
    with pytest.raises(BundleError, match=fault):
        reason.load(folder)


def test_weights_that_are_not_finite(folder: Path) -> None:
    edit_arrays(folder, BASE, lambda arrays: arrays["head.bias"].fill_(float("nan")))
    with pytest.raises(BundleError, match=r"head\.bias holds numbers that are not finite"):
        reason.load(folder)


def test_the_base_says_what_signals_read(carried_folder: Path) -> None:
    base = reason.load(carried_folder).base
    assert isinstance(base, GraphBase)
    head = base.classifier_head()
    assert head.weight is not None
    assert head.weight.shape == (base.classes, base.features)
    assert not base.any_size  # its hidden layer reads seven by seven places
