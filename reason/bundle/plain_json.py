"""JSON of a bundle: bounded in size and depth, each key once, numbers finite, text printable."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from reason.bundle.faults import broken

LARGEST = 4_000_000
"""Bytes of the largest card that is read."""

DEEPEST = 12
"""Levels of lists and tables inside each other at most."""


def parse(data: bytes, path: Path) -> dict[str, Any]:
    """Return the table that the bytes are.

    Args:
        data: UTF-8 text.
        path: the file's name, for messages.

    Raises:
        BundleError: they are no JSON table, or one that is too large, too deep, says a key twice, or holds a number
            that is not finite or text that cannot be printed.
    """
    if len(data) > LARGEST:
        raise broken(path, f"larger than {LARGEST:,} bytes, which no card is")
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_table, parse_constant=_refuse)
    except RecursionError:
        raise broken(path, f"lists inside lists deeper than {DEEPEST}") from None
    except ValueError as error:
        raise broken(path, f"cannot be read as JSON ({error})") from None
    if not isinstance(found, dict):
        raise broken(path, "not a JSON table")
    fault = _fault(found)
    if fault:
        raise broken(path, fault)
    return found


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key stands twice in one table")
    return table


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _fault(found: dict[str, Any]) -> str | None:
    """Return what is wrong with a value anywhere inside; goes level by level, as depth is what it guards against."""
    level: list[Any] = [found]
    for _ in range(DEEPEST):
        inside: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inside += [*value, *value.values()]
            elif isinstance(value, list):
                inside += value
            elif isinstance(value, float) and not math.isfinite(value):
                return "a number is not finite"
            elif isinstance(value, str) and not value.isprintable():
                return f"a text holds characters that cannot be printed ({value[:40]!a})"
        if not inside:
            return None
        level = inside
    return f"lists or tables inside each other deeper than {DEEPEST}"
