"""Ways to damage and to forge a bundle, drawn at random."""

from __future__ import annotations

import json
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper

from reason.bundle.folders import CARD, GRAPH

from .forging import edit_arrays, seal_again, write_card

NUMBERS = (0, 1, -1, 2, 99, -5, 0.5, 1e-30, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**30, True)
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    None,
    "",
    "x",
    "x" * 100_000,
    "\x00",
    "../..",
    "é",
    [],
    {},
    [[]],
    [1, "a"],
    {"a": {"b": []}},
    "1",
)
DTYPES = (torch.float16, torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool)


def mutate(folder: Path, rng: random.Random) -> str:
    """Change a bundle in place, in one to three ways; return what was done."""
    return "; ".join(rng.choice(MUTATIONS)(folder, rng) for _ in range(rng.choice((1, 1, 1, 2, 3))))


def _file(folder: Path, rng: random.Random) -> Path:
    return rng.choice(sorted(path for path in folder.iterdir() if path.suffix in (".json", ".safetensors", ".onnx")))


def _arrays_file(folder: Path, rng: random.Random) -> Path:
    return rng.choice(sorted(folder.glob("*.safetensors")))


def _sealed(folder: Path, path: Path, rng: random.Random) -> str:
    """Seal a changed file again, mostly; a damaged card stays as it is."""
    if path.name == CARD or rng.random() < 0.3:
        return ""
    return " and sealed" if _seal(folder, path.name) else ""


def _seal(folder: Path, name: str) -> bool:
    try:
        seal_again(folder, name)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # an earlier mutation broke the card
        return False
    return True


def flip(folder: Path, rng: random.Random) -> str:
    """Flip bits, anywhere or in the header."""
    path = _file(folder, rng)
    data = bytearray(path.read_bytes())
    if not data:
        return f"{path.name} is empty"
    reach = min(len(data), rng.choice((8, 200, 3000, len(data))))
    for _ in range(rng.choice((1, 1, 2, 8))):
        data[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    return f"flipped bits of {path.name}{_sealed(folder, path, rng)}"


def resize(folder: Path, rng: random.Random) -> str:
    """Cut a file, or put bytes into it."""
    path = _file(folder, rng)
    data = path.read_bytes()
    place = rng.randrange(len(data) + 1)
    more = rng.randbytes(rng.choice((1, 8, 1000)))
    path.write_bytes(
        rng.choice((data[:place], data[:-1], data[place:], data[:place] + more + data[place:], data + more))
    )
    return f"resized {path.name}{_sealed(folder, path, rng)}"


def move(folder: Path, rng: random.Random) -> str:
    """Let two files change places, or remove one."""
    one, other = _arrays_file(folder, rng), _arrays_file(folder, rng)
    if one == other:
        one.unlink()
        return f"removed {one.name}"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return f"swapped {one.name}{_sealed(folder, one, rng)} and {other.name}{_sealed(folder, other, rng)}"


def header(folder: Path, rng: random.Random) -> str:
    """Change a value in a safetensors header, or its length."""
    path = _arrays_file(folder, rng)
    data = path.read_bytes()
    if rng.random() < 0.3 or len(data) < 8:
        length = rng.choice((0, 1, 8, 2**31, 2**63 - 1, 2**64 - 1, rng.randrange(10_000)))
        path.write_bytes(struct.pack("<Q", length) + data[8:])
        return f"header length of {path.name}{_sealed(folder, path, rng)}"
    (length,) = struct.unpack("<Q", data[:8])
    try:
        table = json.loads(data[8 : 8 + length])
        done = _change(table, rng)
    except (ValueError, TypeError, AttributeError):
        return f"{path.name} has no header any more"
    text = json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    return f"header of {path.name}: {done}{_sealed(folder, path, rng)}"


def card(folder: Path, rng: random.Random) -> str:
    """Change values of the card and give it a new digest."""
    try:
        table = json.loads((folder / CARD).read_text(encoding="utf-8"))
        done = _change(table, rng)
        write_card(folder, table)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return "the card cannot be read any more"
    return f"card: {done}"


def depth(folder: Path, rng: random.Random) -> str:
    """Put lists inside lists into the card."""
    deep = rng.choice((13, 100, 990, 5000, 1_000_000))
    text = (folder / CARD).read_bytes()
    (folder / CARD).write_bytes(text.replace(b'"title": ', b'"title": ' + b"[" * deep + b"]" * deep + b', "more": ', 1))
    return f"card {deep} deep"


def arrays(folder: Path, rng: random.Random) -> str:
    """Change arrays and seal file and card as they then are."""
    path, done = _arrays_file(folder, rng), []

    def change(found: dict[str, torch.Tensor]) -> None:
        name = rng.choice(sorted(found))
        done.append(f"{path.name} {name}: {_change_array(found, name, rng)}")

    try:
        edit_arrays(folder, path.name, change)
    except Exception as error:  # an earlier mutation left no arrays, or no card
        return f"{path.name} cannot be forged ({type(error).__name__})"
    return done[0]


def graph(folder: Path, rng: random.Random) -> str:
    """Change nodes and numbers of a graph, where there is one, and seal it again."""
    path = folder / GRAPH
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        done = rng.choice((_other_node, _other_input, _other_number, _other_attribute, _other_shape))(model, rng)
    except Exception:  # there is none, or an earlier mutation broke it
        return flip(folder, rng)
    path.write_bytes(model.SerializeToString())
    return f"graph: {done}{' and sealed' if _seal(folder, GRAPH) else ''}"


OPERATORS = (
    "Expand",
    "Tile",
    "Resize",
    "Pad",
    "Range",
    "Loop",
    "MatMul",
    "Relu",
    "Concat",
    "Shape",
    "Gather",
    "RandomNormal",
)
SIZES = (0, 1, -1, 7, 65_537, 2**31, 2**40, 2**62)


def _other_node(model: onnx.ModelProto, rng: random.Random) -> str:
    node = rng.choice(model.graph.node)
    if rng.random() < 0.3:
        model.graph.node.remove(node)
        return f"without a {node.op_type}"
    before, node.op_type = node.op_type, rng.choice(OPERATORS)
    return f"{node.op_type} for {before}"


def _other_input(model: onnx.ModelProto, rng: random.Random) -> str:
    node = rng.choice([node for node in model.graph.node if node.input])
    names = [name for other in model.graph.node for name in (*other.input, *other.output)]
    node.input[rng.randrange(len(node.input))] = rng.choice([*names, "images", "", "none"])
    return f"another input of a {node.op_type}"


def _other_number(model: onnx.ModelProto, rng: random.Random) -> str:
    inside = [item for item in model.graph.initializer if item.data_location != item.EXTERNAL]
    tensor = rng.choice(inside)
    array = numpy_helper.to_array(tensor).copy()
    array.reshape(-1)[rng.randrange(array.size)] = (
        rng.choice(SIZES) if array.dtype.kind == "i" else rng.choice((0, 1e9))
    )
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return "another number of a constant"


def _other_attribute(model: onnx.ModelProto, rng: random.Random) -> str:
    item = rng.choice([item for node in model.graph.node for item in node.attribute])
    if item.ints:
        item.ints[rng.randrange(len(item.ints))] = rng.choice(SIZES)
    else:
        item.i = rng.choice(SIZES)
    return f"another {item.name}"


def _other_shape(model: onnx.ModelProto, rng: random.Random) -> str:
    if rng.random() < 0.5:
        tensor = rng.choice(model.graph.initializer)
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(SIZES)
        return f"another shape of {tensor.name}"
    dims = rng.choice([*model.graph.input, *model.graph.output]).type.tensor_type.shape.dim
    dims[rng.randrange(len(dims))].dim_value = rng.choice(SIZES)
    return "another shape of an input or output"


def _change_array(found: dict[str, torch.Tensor], name: str, rng: random.Random) -> str:
    tensor = found[name]
    way = rng.randrange(7)
    if way <= 2 and tensor.numel():
        flat = tensor.reshape(-1).clone()
        value = rng.choice((float("nan"), float("inf"), -1.0, 0.0, 1.0, 255.0, 1e4, 1e30, -1e30))
        value = value if tensor.is_floating_point() else rng.choice((0, 1, 2, 9, 27, 200, 255))
        flat[rng.randrange(len(flat)) if way else slice(None)] = value
        found[name] = flat.reshape(tensor.shape)
        return f"set to {value}"
    if way == 3:
        dtype = rng.choice(DTYPES)
        found[name] = tensor.to(dtype)
        return f"as {dtype}"
    if way == 4 and tensor.dim():
        dimension = rng.randrange(tensor.dim())
        found[name] = tensor.narrow(dimension, 0, rng.randrange(tensor.shape[dimension] + 1)).clone()
        return f"cut in dimension {dimension}"
    if way == 5:
        found[name] = rng.choice(
            (tensor.reshape(-1), tensor[None], tensor.T.contiguous() if tensor.dim() == 2 else tensor)
        )
        return "in another shape"
    del found[name]
    return "removed"


def _change(table: Any, rng: random.Random) -> str:
    """Replace, remove or shuffle something anywhere inside lists and tables."""
    keys: list[Any] = []
    while True:
        here = list(table) if isinstance(table, dict) else list(range(len(table)))
        if not here:
            return "nothing"
        key = rng.choice(here)
        keys.append(key)
        if isinstance(table[key], dict | list) and table[key] and rng.random() < 0.85:
            table = table[key]
            continue
        way = rng.randrange(6)
        if way == 0:
            del table[key]
        elif way == 1 and isinstance(table, list):
            rng.shuffle(table)
        elif way == 2 and isinstance(table, list):
            table.append(table[key])
        elif way == 3 and isinstance(table, dict):
            table[rng.choice(("more", f"{key}s", ""))] = table[key]
        elif way == 4 and isinstance(table[key], int | float):
            table[key] = type(table[key])(table[key] * rng.choice((0, -1, 2, 1000, 0.999)))
        else:
            table[key] = rng.choice(VALUES)
        return f"{'.'.join(map(str, keys))} by way {way}"[:200]


def copy(source: Path, target: Path) -> None:
    """Make ``target`` a fresh copy of a bundle."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.md"))


MUTATIONS: tuple[Callable[[Path, random.Random], str], ...] = (
    *(flip, flip, resize, move, header, header),
    *(card, card, card, card, depth, arrays, arrays, arrays, arrays, graph, graph),
)
"""Each as often as it shall be drawn."""
