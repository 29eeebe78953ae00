"""ONNX files of any exporter become graphs of bundles, or are refused in one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from own_networks import SHAPE, made

from reason.base.graphs.classifier import graph_classifier
from reason.base.outputs import logits_of
from reason.errors import FitError

IMAGES = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(5))


def exported(name: str, path: Path, **options: Any) -> torch.Tensor:
    """Write a network by PyTorch's older exporter, and return its logits of ``IMAGES``."""
    network = made(name)
    count = options.pop("count", 2)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        fused = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)  # the older exporter knows no fused operators
        try:
            torch.onnx.export(network, (torch.zeros(count, *SHAPE),), str(path), dynamo=False, **options)
        finally:
            torch.backends.mha.set_fastpath_enabled(fused)
        return logits_of(network(IMAGES))


def logits_by_graph(path: Path, folder: Path, images: torch.Tensor = IMAGES) -> torch.Tensor:
    graph = graph_classifier(path, SHAPE, folder)
    return graph.engine.look(images, gradient=False, taps=True).logits


@pytest.mark.parametrize("opset", [9, 11, 13, 17])
@pytest.mark.parametrize("name", ["plain", "residual"])
def test_files_of_the_older_exporter(name: str, opset: int, tmp_path: Path) -> None:
    free = {"images": {0: "n"}}
    expected = exported(name, tmp_path / "a.onnx", opset_version=opset, input_names=["images"], dynamic_axes=free)
    torch.testing.assert_close(logits_by_graph(tmp_path / "a.onnx", tmp_path / "g"), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["windows", "cosine"])
def test_sizes_that_are_computed_inside(name: str, tmp_path: Path) -> None:
    """The older exporter writes ``expand`` as comparisons of shapes, and takes names that are those of a bundle."""
    names = {"input_names": ["logits"], "output_names": ["images"], "dynamic_axes": {"logits": {0: "n"}}}
    expected = exported(name, tmp_path / "a.onnx", opset_version=17, **names)
    torch.testing.assert_close(logits_by_graph(tmp_path / "a.onnx", tmp_path / "g"), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("count", [1, 3])
def test_a_fixed_number_of_images(count: int, tmp_path: Path) -> None:
    """Numbers in the file that only fit three images make it take three: they are split, and filled up."""
    expected = exported("tokens", tmp_path / "a.onnx", opset_version=17, count=count)
    graph = graph_classifier(tmp_path / "a.onnx", SHAPE, tmp_path / "g")
    for images in (1, 3, 5):
        found = graph.engine.look(IMAGES[:images], gradient=False, taps=True)
        torch.testing.assert_close(found.logits, expected[:images], rtol=1e-4, atol=1e-4)
        assert all(len(values) == images for values in found.activations.values())


def keras(weights: tuple[np.ndarray[Any, Any], ...], batch: Any = "n", last: str = "Softmax") -> onnx.ModelProto:
    """Return what tf2onnx writes: images with their channels last, Transpose nodes, ReduceMean, probabilities."""
    kernel, bias, matrix, shift = weights
    nodes = [
        helper.make_node("Transpose", ["input"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "kernel", "bias"], ["maps"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["maps"], ["relu"]),
        helper.make_node("Transpose", ["relu"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("ReduceMean", ["last"], ["pooled"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["pooled", "matrix"], ["product"]),
        helper.make_node("Add", ["product", "shift"], ["sum"]),
        helper.make_node(last, ["sum"], ["output"]),
    ]
    arrays = {"kernel": kernel, "bias": bias, "matrix": matrix, "shift": shift}
    graph = helper.make_graph(
        nodes,
        "keras",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 32, 32, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, 4])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def weights() -> tuple[np.ndarray[Any, Any], ...]:
    random = np.random.default_rng(0)
    shapes = ((12, 3, 3, 3), (12,), (12, 4), (4,))
    return tuple(random.normal(0, 0.3, shape).astype(np.float32) for shape in shapes)


def by_hand(images: torch.Tensor) -> torch.Tensor:
    kernel, bias, matrix, shift = map(torch.from_numpy, weights())
    maps = torch.nn.functional.conv2d(images, kernel, bias, stride=2, padding=1).relu()
    return maps.mean(dim=(2, 3)) @ matrix + shift


@pytest.mark.parametrize("batch", ["n", 1])
def test_images_with_their_channels_last_and_probabilities(batch: Any, tmp_path: Path) -> None:
    onnx.save(keras(weights(), batch), tmp_path / "a.onnx")
    graph = graph_classifier(tmp_path / "a.onnx", SHAPE, tmp_path / "g")
    found = graph.engine.look(IMAGES, gradient=False, taps=True)
    torch.testing.assert_close(found.logits, by_hand(IMAGES), rtol=1e-4, atol=1e-5)
    head = graph.base.classifier_head()
    assert head.weight is not None
    torch.testing.assert_close(head.weight, torch.from_numpy(weights()[2].T))
    assert [note for note in graph.notes if "softmax" in note]
    assert [note for note in graph.notes if "channels last" in note]


def test_images_in_another_batch_size_of_the_same_graph_are_not_fixed(tmp_path: Path) -> None:
    onnx.save(keras(weights(), 4), tmp_path / "a.onnx")
    assert graph_classifier(tmp_path / "a.onnx", SHAPE, tmp_path / "g").base.files.batch is None


def test_a_head_that_is_named(tmp_path: Path) -> None:
    onnx.save(keras(weights()), tmp_path / "a.onnx")
    graph = graph_classifier(tmp_path / "a.onnx", SHAPE, tmp_path / "g", head="relu", taps=["maps"])
    assert [tap.module for tap in graph.base.taps] == ["maps"]
    found = graph.engine.look(IMAGES, gradient=False, taps=True)
    torch.testing.assert_close(
        found.activations["layer1_mean"],
        torch.nn.functional.conv2d(
            IMAGES, torch.from_numpy(weights()[0]), torch.from_numpy(weights()[1]), stride=2, padding=1
        ).mean(dim=(2, 3)),
        rtol=1e-4,
        atol=1e-5,
    )
    with pytest.raises(FitError, match="has no node or value 'none' on the way to its logits"):
        graph_classifier(tmp_path / "a.onnx", SHAPE, tmp_path / "g", head="none")
    with pytest.raises(FitError, match="has no value 'none' of each image to tap"):
        graph_classifier(tmp_path / "a.onnx", SHAPE, tmp_path / "g", taps=["none"])


def test_weights_beside_the_file(tmp_path: Path) -> None:
    onnx.save(keras(weights()), tmp_path / "a.onnx", save_as_external_data=True, location="a.data", size_threshold=0)
    found = logits_by_graph(tmp_path / "a.onnx", tmp_path / "g")
    torch.testing.assert_close(found, by_hand(IMAGES), rtol=1e-4, atol=1e-5)


def test_weights_elsewhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    onnx.save(keras(weights()), tmp_path / "a.onnx", save_as_external_data=True, location="a.data", size_threshold=0)
    (tmp_path / "a.onnx").rename(tmp_path / "inner" / "a.onnx")
    model = onnx.load(tmp_path / "inner" / "a.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        next(entry for entry in tensor.external_data if entry.key == "location").value = "../a.data"
    (tmp_path / "inner" / "a.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(FitError, match=r"its weights lie in '\.\./a\.data', which must be a file beside it"):
        graph_classifier(tmp_path / "inner" / "a.onnx", SHAPE, tmp_path / "g")


def two_inputs(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))


def two_outputs(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["n", 12]))


def bytes_as_images(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def five_channels(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 5


def another_side(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 64


def quantised(model: onnx.ModelProto) -> None:
    scale = numpy_helper.from_array(np.array(0.1, np.float32), "scale")
    model.graph.initializer.append(scale)
    model.graph.node.insert(0, helper.make_node("QuantizeLinear", ["input", "scale"], ["small"]))


def foreign(model: onnx.ModelProto) -> None:
    model.graph.node.insert(0, helper.make_node("FusedConv", ["input"], ["x"], domain="com.microsoft"))


def deciding(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.insert(0, helper.make_node("If", ["input"], ["x"], then_branch=body, else_branch=body))


def classes(model: onnx.ModelProto) -> None:
    model.graph.node[-1].CopyFrom(helper.make_node("ArgMax", ["sum"], ["output"], axis=1))


def no_weights(model: onnx.ModelProto) -> None:
    del model.graph.node[1:]
    model.graph.node.append(helper.make_node("ReduceMean", ["first"], ["output"], axes=[2, 3], keepdims=0))


def drawing(model: onnx.ModelProto) -> None:
    model.graph.node.insert(7, helper.make_node("RandomNormalLike", ["sum"], ["noise"]))
    model.graph.node.insert(8, helper.make_node("Add", ["sum", "noise"], ["noisy"]))
    model.graph.node[-1].input[0] = "noisy"


def infinite(model: onnx.ModelProto) -> None:
    model.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.full(12, np.nan, np.float32), "bias"))


def growing(model: onnx.ModelProto) -> None:
    """Ask for terabytes."""
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 2**16, 2**16, 3]), "huge"))
    model.graph.node.insert(0, helper.make_node("Tile", ["input", "huge"], ["many"]))
    model.graph.node[1].input[0] = "many"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (two_inputs, r"takes 2 inputs \(input, mask\); export it with the images as its one input"),
        (two_outputs, r"puts out 2 values \(output, pooled\); export it with the logits as its one output"),
        (bytes_as_images, "is no batch of images in single precision"),
        (five_channels, "shows it 1 or 3|single precision"),
        (another_side, r"takes images of 3 x 64 x 32 .*, and its preprocessing makes 3 x 32 x 32"),
        (quantised, r"is quantised \(QuantizeLinear\); give the classifier in single precision"),
        (foreign, "has the operator com.microsoft:FusedConv, which is not ONNX's own"),
        (deciding, "has a If, and a graph that decides as it runs cannot be"),
        (classes, r"puts out classes \(ArgMax\)"),
        (no_weights, "no layer with weights leads to its output"),
        (drawing, "has the operator RandomNormalLike"),
        (infinite, "not finite"),
        (growing, "asks for too much memory"),
    ],
)
def test_what_is_refused_is_said_in_one_sentence(
    change: Callable[[onnx.ModelProto], None], said: str, tmp_path: Path
) -> None:
    model = keras(weights())
    change(model)
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(FitError, match=said) as caught:
        graph_classifier(tmp_path / "a.onnx", SHAPE, tmp_path / "g")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "a.onnx"))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("data", [b"", b"no graph at all", b"\x08\x08" * 500])
def test_what_is_no_onnx_file(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(data)
    with pytest.raises(FitError, match=r"a\.onnx: ") as caught:
        graph_classifier(tmp_path / "a.onnx", SHAPE, tmp_path / "g")
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FitError, match=r"a\.onnx: cannot be read \(No such file"):
        graph_classifier(tmp_path / "a.onnx", SHAPE, tmp_path / "g")
