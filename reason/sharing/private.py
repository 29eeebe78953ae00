"""What a bundle says of the machine that it was made on: it must be nothing before others get it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from reason.bundle import plain_json
from reason.bundle.card import Card
from reason.bundle.folders import CARD, SUFFIX
from reason.bundle.tensors import read
from reason.signals.texts import from_bytes

_PLACE = re.compile(
    r"""(?:^|(?<=[\s'"(=,;:]))"""  # not inside a word, a relative path or an address of the web
    r"""(?:(?:/[^/\s'"),;:]+){2,}|~[/\\]\S+|[A-Za-z]:[\\/][^\s'"]+|\\\\[^\\\s]+\\\S+|file:/\S+)"""
)
"""An absolute path of Linux, macOS or Windows, or one in a home folder."""


def first_place(folder: Path, card: Card) -> tuple[str, str] | None:
    """Return the first path of some machine that a bundle holds, and what holds it; ``None`` without one.

    Looked at are all texts of the card, and those among the arrays, such as the names of the images in the bank.

    Raises:
        BundleError: a file is not the one that the card lists.
    """
    for where, text in _texts(folder, card):
        if found := _PLACE.search(text):
            return where, found[0]
    return None


def place_in(text: str) -> str | None:
    """Return the first path of some machine in a text."""
    found = _PLACE.search(text)
    return found[0] if found else None


def _texts(folder: Path, card: Card) -> Iterator[tuple[str, str]]:
    for key, text in _inside(plain_json.parse((folder / CARD).read_bytes(), folder / CARD)):
        yield f"{CARD}, {key}", text
    for name, seal in card.files.items():
        if name.endswith(SUFFIX):
            for key, array in read(folder / name, seal).items():
                yield from ((f"{name}, {key}", text) for text in _decoded(array))


def _inside(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in plain JSON, keys of tables too, with the place where it stands."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield key or name, name
            yield from _inside(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for item in value:
            yield from _inside(item, key)


def _decoded(array: torch.Tensor) -> tuple[str, ...]:
    """Return the texts that an array holds, none where it holds numbers."""
    try:
        return from_bytes(array)
    except ValueError:
        return ()
