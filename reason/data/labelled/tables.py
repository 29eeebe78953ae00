"""Tables of paths and labels: CSV, and Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reason.data.labelled.classes import index_labels
from reason.data.labelled.files import labelled_files, path_name
from reason.data.labelled.images import LabelledImages
from reason.errors import DatasetError, first_line

PATH_COLUMNS = ("path", "file", "image", "filename", "file_name", "filepath", "file_path", "image_path", "img")
"""What the column of paths may be called, in any case; the first that is there counts."""

LABEL_COLUMNS = ("label", "class", "target", "class_name", "category", "y")
"""What the column of labels may be called, in any case; the first that is there counts."""

GROUP_COLUMNS = ("group", "group_id")
"""What the column may be called, in any case, whose equal values say which images stay in one part."""

DELIMITED = (".csv", ".tsv", ".txt")
PARQUET = (".parquet", ".pq")

_WANTED = frozenset((*PATH_COLUMNS, *LABEL_COLUMNS, *GROUP_COLUMNS))

_INDEX = re.compile("-?[0-9]{1,7}")


def read_table(file: Path, classes: Sequence[str] | None = None) -> LabelledImages:
    """List the images of a CSV or Parquet file with a column of paths and one of labels.

    Relative paths start at the table's folder. Labels are names of classes, or indices into them.

    Args:
        file: the table; its columns are found by the names in ``PATH_COLUMNS`` and ``LABEL_COLUMNS``; a third, of those
            in ``GROUP_COLUMNS``, may say which images stay together.
        classes: names in the order of the classifier's outputs; by default the labels in their order.

    Raises:
        DatasetError: the table cannot be read, has no such columns, is empty, names an image twice, or none is there.
    """
    columns = _read_parquet(file) if file.suffix.lower() in PARQUET else _read_delimited(file)
    written = [str(path).strip() for path in columns[_column(columns, PATH_COLUMNS, "paths", file)]]
    labels = columns[_column(columns, LABEL_COLUMNS, "labels", file)]
    _check_rows(written, labels, file)
    paths = [file.parent / path for path in written]
    sources = [path_name(path, file.parent) for path in paths]
    _refuse_twice(sources, file)
    _refuse_absent(paths, file)
    numbers, names = index_labels(*_labels(labels, classes), classes, str(file))
    return labelled_files(paths, sources, numbers, names, _groups(columns))


def _read_delimited(file: Path) -> dict[str, list[Any]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            header = text.readline()
            text.seek(0)
            rows = [row for row in csv.reader(text, delimiter=_delimiter(header), strict=True) if any(row)]
    except OSError as error:
        raise DatasetError(f"{file}: the table cannot be read ({error.strerror}); check the path.") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{file}: the table is no UTF-8 text; save it as UTF-8.") from None
    except csv.Error as error:
        raise DatasetError(f"{file}: the table is malformed ({error}); write it as CSV with a line of names.") from None
    head, *body = rows or [[]]
    for number, row in enumerate(body, 2):
        if len(row) != len(head):
            raise DatasetError(f"{file}: row {number} has {len(row)} fields, but the head {len(head)}; mend it.")
    return {name.strip(): [row[place] for row in body] for place, name in enumerate(head)}


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _read_parquet(file: Path) -> dict[str, list[Any]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DatasetError(
            f"{file}: Parquet is read by pyarrow, which is not installed; `pip install 'reason[parquet]'`, or give CSV."
        ) from None
    try:
        schema = parquet.read_schema(file)
        # Pictures may lie in such a column as bytes, all of which would be read into memory.
        wanted = [name for name, kind in zip(schema.names, schema.types, strict=True) if _is_wanted(name, kind)]
        found = parquet.read_table(file, columns=wanted).to_pydict()
    except (OSError, pyarrow.ArrowException) as error:
        raise DatasetError(f"{file}: the table cannot be read ({first_line(error)}); check it.") from None
    return {str(name): list(values) for name, values in found.items()}


def _is_wanted(name: str, kind: Any) -> bool:
    """Tell whether a column of Parquet, of this type, may be one of paths, labels or groups."""
    from pyarrow import types

    return name.strip().lower() in _WANTED and not (types.is_nested(kind) or types.is_binary(kind))


def _find(columns: dict[str, list[Any]], known: Sequence[str]) -> str | None:
    named = {name.strip().lower(): name for name in columns}
    return next((named[name] for name in known if name in named), None)


def _groups(columns: dict[str, list[Any]]) -> tuple[str, ...]:
    found = _find(columns, GROUP_COLUMNS)
    return tuple(map(str, columns[found])) if found is not None else ()


def _column(columns: dict[str, list[Any]], known: Sequence[str], what: str, file: Path) -> str:
    found = _find(columns, known)
    if found is not None:
        return found
    there = ", ".join(columns) or "none"
    raise DatasetError(f"{file}: has no column of {what} (columns: {there}); call one {' or '.join(known[:3])}.")


def _check_rows(paths: Sequence[str], labels: Sequence[Any], file: Path) -> None:
    if not paths:
        raise DatasetError(f"{file}: has no rows; write one an image.")
    for number, (path, label) in enumerate(zip(paths, labels, strict=True), 2):
        if not path or label is None or not str(label).strip():
            raise DatasetError(f"{file}: row {number} has no {'label' if path else 'path'}; fill it in or drop it.")


def _labels(labels: Sequence[Any], classes: Sequence[str] | None) -> tuple[list[str] | list[int], tuple[str, ...]]:
    """Return labels as names, or as indices where all are whole numbers and no class is called by one of them."""
    written = [str(label).strip() for label in labels]
    numbers = all(_INDEX.fullmatch(label) for label in written)
    if numbers and not set(written) & set(classes or ()):
        return [int(label) for label in written], ()
    return written, ()


def _refuse_twice(sources: Sequence[str], file: Path) -> None:
    rows: dict[str, int] = {}
    for number, source in enumerate(sources, 2):
        if source in rows:
            raise DatasetError(f"{file}: {source} stands in rows {rows[source]} and {number}; list each image once.")
        rows[source] = number


def _refuse_absent(paths: Sequence[Path], file: Path) -> None:
    if not any(path.is_file() for path in paths):
        raise DatasetError(
            f"{file}: none of its {len(paths)} images is there, such as {paths[0]}; write paths that start at the "
            f"table's folder."
        )
