"""Which files of a folder are images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff")
"""Endings, in lower case, that make a file in a searched folder an image; a file that is named needs none."""


def images_below(folder: Path, report: Callable[[str], None]) -> Iterator[Path]:
    """Find image files in a folder and all below it, sorted within each folder.

    Files count whose ending is in ``SUFFIXES``; names that start with a dot are passed over.

    Args:
        folder: where to search.
        report: called with one sentence for each folder that cannot be searched.
    """

    def fail(error: OSError) -> None:
        report(f"{error.filename}: cannot be searched ({error.strerror}).")

    for parent, folders, files in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent, name)
