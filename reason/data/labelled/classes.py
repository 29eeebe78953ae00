"""The order of the classes, and labels as indices into it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from reason.errors import DatasetError
from reason.suggestions import did_you_mean

MOST_CLASSES = 10**6
"""Most classes that indices alone can make."""

_SHOWN = 5
"""Most names that an error lists."""


def read_classes(file: Path) -> tuple[str, ...]:
    """Read the names of classes in the order of a classifier's outputs: one name a line, or a JSON list.

    Raises:
        DatasetError: the file cannot be read, is empty or malformed, or names a class twice.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{file}: the class names cannot be read ({error.strerror}); check the path.") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{file}: the class names are no UTF-8 text; save the file as UTF-8.") from None
    names = _from_json(text, file) if text.lstrip()[:1] in ("[", "{") else _lines(text)
    return checked_classes(names, str(file))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _from_json(text: str, file: Path) -> list[str]:
    try:
        names = json.loads(text)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{file}: no JSON ({error}); give a list of names, or one name a line.") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetError(f"{file}: must be a JSON list of names, in the order of the classifier's outputs.")
    return names


def checked_classes(names: Sequence[str], where: str) -> tuple[str, ...]:
    """Return names of classes that are at least two, and each there once.

    Raises:
        DatasetError: they are not.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DatasetError(f"{where}: names the class {twice[0]!r} more than once; give each output a name of its own.")
    if len(names) < 2:
        raise DatasetError(f"{where}: names {len(names)} classes, but a classifier has at least two; name all outputs.")
    return tuple(names)


def index_labels(
    labels: Sequence[str] | Sequence[int], names: Sequence[str], classes: Sequence[str] | None, where: str
) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Turn labels into indices into the classes.

    Args:
        labels: of each image; names, or indices into ``names``.
        names: what indices mean, where the data say it; else empty.
        classes: names in the order of the classifier's outputs, where they are known. Without them the order is that
            of ``names``, of numbers, or of the alphabet.
        where: how errors call the data.

    Returns:
        int64 ``[n]``, and the names of the classes.

    Raises:
        DatasetError: a label is none of the classes, or all images are of one.
    """
    given = checked_classes(classes, "the classes") if classes else ()
    indices, found = _indices(labels, names, given, where)
    seen = sorted(set(indices))
    if len(seen) == 1:
        raise DatasetError(
            f"{where}: all {len(indices)} images are of the class {found[seen[0]]!r}; give images of at least two."
        )
    return torch.tensor(indices, dtype=torch.int64), found


def _indices(
    labels: Sequence[str] | Sequence[int], names: Sequence[str], given: tuple[str, ...], where: str
) -> tuple[list[int], tuple[str, ...]]:
    if any(isinstance(label, str) for label in labels):
        return _of_names([str(label) for label in labels], given, where)
    numbers = [int(label) for label in labels]
    if names:
        _check_range(numbers, len(names), where)
        return _of_names([names[number] for number in numbers], given or tuple(names), where)
    count = len(given) or min(max(numbers, default=0) + 1, MOST_CLASSES)
    _check_range(numbers, count, where)
    found = given or tuple(map(str, range(count)))
    return numbers, found


def _of_names(labels: list[str], given: tuple[str, ...], where: str) -> tuple[list[int], tuple[str, ...]]:
    found = given or tuple(sorted(set(labels)))
    place = {name: index for index, name in enumerate(found)}
    unknown = {label: count for label, count in Counter(labels).items() if label not in place}
    if unknown:
        raise DatasetError(f"{where}: {_unknown(unknown, found)}")
    return [place[label] for label in labels], found


def _unknown(unknown: dict[str, int], classes: tuple[str, ...]) -> str:
    """Say which labels are none of the classes, and what they may have been meant to be."""
    first, *others = unknown
    more = f" and {len(others)} more" if others else ""
    some = ", ".join(classes[:_SHOWN]) + (", ..." if len(classes) > _SHOWN else "")
    hint = did_you_mean(first, classes, "name the outputs by the labels of the data (--classes), in their order.")
    are = "are" if others else "is"
    return f"the label {first!r}{more} {are} none of the {len(classes)} classes ({some}); {hint}"


def _check_range(numbers: Sequence[int], count: int, where: str) -> None:
    outside = [number for number in numbers if not 0 <= number < count]
    if outside:
        raise DatasetError(
            f"{where}: the label {outside[0]} is none of 0 to {count - 1}, the indices of its {count} classes; "
            f"count labels from 0, and name all classes."
        )
