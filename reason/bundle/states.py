"""Fitted parts to and from the arrays that a bundle keeps of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import torch

from reason.bundle import tensors
from reason.bundle.card import Card
from reason.bundle.faults import broken
from reason.bundle.folders import CARD, SUFFIX
from reason.bundle.values import check_state
from reason.signals import State

T = TypeVar("T")


def pack(part: Any) -> dict[str, torch.Tensor]:
    """Return the fields of a dataclass of tensors and arrays, each as a tensor."""
    return {item.name: torch.as_tensor(getattr(part, item.name)) for item in fields(part)}


def unpack(kind: type[T], arrays: Mapping[str, torch.Tensor]) -> T:
    """Make a dataclass of tensors or arrays from what ``pack`` returned."""
    made: Any = kind
    types = {item.name: str(item.type) for item in fields(made)}
    values = {name: arrays[name] if "Tensor" in type_ else arrays[name].numpy() for name, type_ in types.items()}
    result: T = made(**values)
    return result


class StoredStates(Mapping[str, State]):
    """What the signals have learned, by the stem of its file; each file is read and checked when it is asked for.

    Args:
        folder: the bundle.
        card: its card.
    """

    def __init__(self, folder: Path, card: Card) -> None:
        self._folder, self._card = folder, card

    def __getitem__(self, stem: str) -> State:
        """Return a state.

        Raises:
            BundleError: the card does not list it, or the file is not what the card says.
        """
        name = f"{stem}{SUFFIX}"
        seal = self._card.files.get(name)
        if seal is None:
            raise broken(self._folder / CARD, f"does not list {name}, which its signals need")
        path = self._folder / name
        state = _State(path, tensors.aligned(tensors.read(path, seal)))
        check_state(path, self._card, state)
        return state

    def __iter__(self) -> Iterator[str]:
        return (name.removesuffix(SUFFIX) for name in self._card.files)

    def __len__(self) -> int:
        return len(self._card.files)


class _State(dict[str, torch.Tensor]):
    """A state that names its file where it lacks an array."""

    def __init__(self, path: Path, arrays: Mapping[str, torch.Tensor]) -> None:
        super().__init__(arrays)
        self._path = path

    def __missing__(self, key: str) -> torch.Tensor:
        raise broken(self._path, f"lacks the array {key}")
