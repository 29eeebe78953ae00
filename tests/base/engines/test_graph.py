"""A graph that no export makes never reaches a runtime."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from reason.base.engines.exported import ExportedFiles
from reason.base.engines.graph import WEIGHT, check
from reason.errors import BundleError

SHAPE = (3, 20, 20)
WIDTHS = {
    "logits": 4,
    "embedding": 16,
    **{f"early_{pooling}": 8 for pooling in ("mean", "max", "std")},
    **{f"late_{pooling}": 16 for pooling in ("mean", "max", "std")},
}


def checked(files: ExportedFiles, path: Path, model: onnx.ModelProto) -> None:
    data = model.SerializeToString()
    path.write_bytes(data)
    check(path, hashlib.sha256(data).hexdigest(), files.weights, SHAPE, WIDTHS)


def model_of(files: ExportedFiles) -> onnx.ModelProto:
    return onnx.load_model_from_string(files.graph.read_bytes())


def pointer(model: onnx.ModelProto) -> TensorProto:
    found: TensorProto = next(item for item in model.graph.initializer if item.name.startswith(WEIGHT))
    return found


def node(model: onnx.ModelProto, kind: str) -> Any:
    return next(item for item in model.graph.node if item.op_type == kind)


def point(model: onnx.ModelProto, key: str, value: str) -> None:
    next(entry for entry in pointer(model).external_data if entry.key == key).value = value


def insert(model: onnx.ModelProto, *nodes: Any) -> None:
    """Put nodes before all others, on the images; the first one that reads images reads the last of them."""
    reader = next(item for item in model.graph.node if "images" in item.input and item.op_type == "Conv")
    reader.input[0] = nodes[-1].output[0]
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])


def another_file(model: onnx.ModelProto) -> None:
    point(model, "location", "../../etc/passwd")


def another_place(model: onnx.ModelProto) -> None:
    point(model, "offset", "0")


def a_longer_piece(model: onnx.ModelProto) -> None:
    point(model, "length", "99999999")


def another_tensor(model: onnx.ModelProto) -> None:
    pointer(model).name = WEIGHT + "secret"


def another_shape(model: onnx.ModelProto) -> None:
    pointer(model).dims[0] = 2**40


def another_type(model: onnx.ModelProto) -> None:
    pointer(model).data_type = TensorProto.DOUBLE


def an_unknown_operator(model: onnx.ModelProto) -> None:
    insert(model, helper.make_node("Run", ["images"], ["changed"], domain="com.example"))


def a_loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    insert(model, helper.make_node("Loop", ["", "", "images"], ["changed"], body=body))


def a_graph_inside(model: onnx.ModelProto) -> None:
    node(model, "Relu").attribute.append(helper.make_attribute("body", helper.make_graph([], "body", [], [])))


def a_huge_padding(model: onnx.ModelProto) -> None:
    next(item for item in node(model, "Conv").attribute if item.name == "pads").ints[0] = 2**30


def a_huge_constant(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(5000, np.float32), "large"))


def an_external_constant(model: onnx.ModelProto) -> None:
    tensor = TensorProto(name="elsewhere", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    insert(model, helper.make_node("Constant", [], ["constant"], value=tensor))


def another_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "something"


def another_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def fewer_classes(model: onnx.ModelProto) -> None:
    """Swap the outputs' names: what is called logits is as wide as the embedding."""
    for item in model.graph.node:
        for names in (item.input, item.output):
            for place, name in enumerate(names):
                names[place] = {"logits": "embedding", "embedding": "logits"}.get(name, name)


def growing_memory(model: onnx.ModelProto) -> None:
    """Double the picture 24 times."""
    names = ["images", *(f"double{i}" for i in range(24))]
    insert(model, *(helper.make_node("Concat", [a, a], [b], axis=2) for a, b in pairwise(names)))


def a_size_that_the_picture_decides(model: onnx.ModelProto) -> None:
    """Take a size from the values of the pixels."""
    shape = numpy_helper.from_array(np.array([-1]), "flat")
    model.graph.initializer.append(shape)
    insert(
        model,
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["numbers", "flat"], ["sizes"]),
        helper.make_node("Reshape", ["images", "sizes"], ["changed"]),
    )


DAMAGES = [
    *(another_file, another_place, a_longer_piece, another_tensor, another_shape, another_type),
    *(an_unknown_operator, a_loop, a_graph_inside, a_huge_padding, a_huge_constant, an_external_constant),
    *(another_output, another_input, fewer_classes, growing_memory, a_size_that_the_picture_decides),
]


def test_what_export_makes_is_accepted(files: ExportedFiles, tmp_path: Path) -> None:
    checked(files, tmp_path / "graph.onnx", model_of(files))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_graph_that_no_export_makes_is_refused(
    files: ExportedFiles, tmp_path: Path, damage: Callable[[onnx.ModelProto], None]
) -> None:
    model = model_of(files)
    damage(model)
    with pytest.raises(BundleError, match=r"export it again with `reason export`\.$") as caught:
        checked(files, tmp_path / "graph.onnx", model)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_an_altered_a_missing_and_a_strange_file_are_refused(files: ExportedFiles, tmp_path: Path) -> None:
    path = tmp_path / "graph.onnx"
    with pytest.raises(BundleError, match="missing or unreadable"):
        check(path, files.graph_digest, files.weights, SHAPE, WIDTHS)
    path.write_bytes(files.graph.read_bytes() + b"\0")
    with pytest.raises(BundleError, match="was altered"):
        check(path, files.graph_digest, files.weights, SHAPE, WIDTHS)
    path.write_bytes(b"no graph at all")
    with pytest.raises(BundleError, match="not an ONNX graph"):
        check(path, hashlib.sha256(b"no graph at all").hexdigest(), files.weights, SHAPE, WIDTHS)


def test_the_graph_holds_no_weights(files: ExportedFiles) -> None:
    model = model_of(files)
    assert not any(tensor.raw_data and len(tensor.raw_data) > 64 for tensor in model.graph.initializer)
    assert any(item.op_type == "BatchNormalization" for item in model.graph.node)
    assert len(files.graph.read_bytes()) < 20_000


def test_functions_are_refused(files: ExportedFiles, tmp_path: Path) -> None:
    """A function of the model's own may stand behind any operator's name."""
    model = model_of(files)
    node = helper.make_node("Relu", ["x"], ["y"])
    model.functions.append(helper.make_function("", "Relu", ["x"], ["y"], [node], [helper.make_opsetid("", 20)]))
    with pytest.raises(BundleError, match="holds functions or training"):
        checked(files, tmp_path / "graph.onnx", model)
