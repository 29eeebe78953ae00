"""Fitted parts to and from plain arrays, which is how bundles keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from reason.signals import Layer, Layers

Arrays = Mapping[str, NDArray[Any]]

T = TypeVar("T")


def pack(part: Any) -> dict[str, NDArray[Any]]:
    """Return the fields of a dataclass of tensors, arrays and tuples of text, each as an array; truths as 0 and 1."""
    return {item.name: _packed(getattr(part, item.name)) for item in fields(part) if item.init}


def _packed(value: Any) -> NDArray[Any]:
    if isinstance(value, tuple):
        return np.array([text.encode() for text in value])
    array: NDArray[Any] = value.numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    return (
        array.astype(np.uint8) if array.dtype == np.bool_ else array
    )  # reason.bundle.pickles reads numbers and text alone


def unpack(kind: type[T], arrays: Arrays) -> T:
    """Make a dataclass from what ``pack`` returned.

    Raises:
        KeyError: a field is missing.
    """
    made: Any = kind
    types = {item.name: str(item.type) for item in fields(made) if item.init}
    result: T = made(**{name: _unpacked(arrays[name], type_) for name, type_ in types.items()})
    return result


def _unpacked(array: NDArray[Any], type_: str) -> Any:
    if "Tensor" in type_:
        return torch.from_numpy(array)
    if "tuple" in type_:
        return tuple(bytes(text).decode() for text in array.tolist())
    return array


def pack_layers(layers: Layers) -> dict[str, NDArray[Any]]:
    """Return the fields of every layer under ``<layer>.<field>``, the layers in their order."""
    return {f"{name}.{field}": array for name, layer in layers.layers.items() for field, array in pack(layer).items()}


def unpack_layers(arrays: Arrays) -> Layers:
    """Make the layers from what ``pack_layers`` returned."""
    names = dict.fromkeys(key.rpartition(".")[0] for key in arrays)
    return Layers(
        {name: unpack(Layer, {item.name: arrays[f"{name}.{item.name}"] for item in fields(Layer)}) for name in names}
    )
