"""Arguments of library architectures, as cards hold them: checked before a library sees them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

LONGEST_LIST = 64
"""Most numbers in a list."""

LARGEST = 65_536
"""Largest number, of any sign."""

MOST_LAYERS = 256
"""Most layers of a network, all stages together; the time to make one grows with them."""

_WORD = re.compile(r"^[A-Za-z0-9_.-]{0,60}$")

Rule = Callable[[Any], bool]


def check(arguments: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Compare arguments with a rule for each key that there may be.

    Raises:
        ValueError: a key is unknown, or its value is not what it may be.
    """
    for key, value in arguments.items():
        if key not in rules or not rules[key](value):
            raise ValueError(f"arguments may not say {key[:60]} = {value!r:.60}")


def is_side(value: Any) -> bool:
    """Return whether it is the side of a picture, in pixels."""
    return type(value) is int and 8 <= value <= 1024


def is_switch(value: Any) -> bool:
    """Return whether it is true or false."""
    return isinstance(value, bool)


def is_word(value: Any) -> bool:
    """Return whether it is a name without slashes or colons, which would lead elsewhere."""
    return isinstance(value, str) and _WORD.match(value) is not None


def is_plain(value: Any) -> bool:
    """Return whether it is a number or a name of sane size, nothing, or a short list of such."""
    if isinstance(value, list):
        return len(value) <= LONGEST_LIST and all(is_plain(item) for item in value)
    if isinstance(value, bool) or value is None:
        return True
    return is_word(value) or (isinstance(value, int | float) and abs(value) <= LARGEST)
