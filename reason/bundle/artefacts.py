"""Fitted parts to and from plain arrays, which is how bundles keep them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from reason.signals import State
from reason.signals.texts import to_bytes

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


def to_arrays(state: State) -> dict[str, NDArray[Any]]:
    """Return the tensors of a state as arrays."""
    return {key: tensor.numpy() for key, tensor in state.items()}


def to_state(arrays: Arrays) -> State:
    """Return a state from its arrays; texts and keys of bundles written before states were tensors are understood."""
    return {
        re.sub(r"\.whole$", ".background", key): to_bytes(array.tolist())
        if array.dtype.kind == "S"
        else torch.from_numpy(array)
        for key, array in arrays.items()
    }
