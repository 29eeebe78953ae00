"""From the words on the command line to images: files, folders, patterns and standard input."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reason.data.search import SUFFIXES, images_below

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image to judge that has not been read yet."""

    path: Path | None
    """Where it lies; ``None`` is standard input."""

    @property
    def name(self) -> str:
        """How verdicts and messages call it: the path, always valid UTF-8, or ``stdin``."""
        return "stdin" if self.path is None else os.fsencode(self.path).decode("utf-8", "replace")

    def decode(self) -> Image.Image:
        """Read and decode it.

        Raises:
            UnsupportedImageError: it is not in an image format that REASON reads.
            BrokenImageError: it cannot be read or is damaged.
        """
        from reason.data import images

        source = self.path or sys.stdin.buffer.read()
        return images.decode(source, name=self.name)


def find_images(arguments: Sequence[str]) -> tuple[list[ImageFile], list[str]]:
    """Expand the arguments into images, each once, in the order given and sorted within a folder or pattern.

    A folder is searched recursively for files whose ending is in ``SUFFIXES``; names that start with a dot
    are passed over. A pattern (``*``, ``?``, ``[...]``, ``**``) is expanded when no file bears its name.

    Returns:
        The images, and one sentence for each argument or subfolder that gave none because something is wrong.
    """
    problems: list[str] = []
    found = [image for argument in arguments for image in _expand(argument, problems)]
    return list(dict.fromkeys(found)), problems


def _expand(argument: str, problems: list[str]) -> Iterator[ImageFile]:
    if argument == "-":
        if sys.stdin.isatty():
            raise click.UsageError("- reads an image from standard input: pipe one in, such as `< photo.jpg`.")
        yield ImageFile(None)
        return
    try:
        paths = _matches(argument)
        if not paths:
            problems.append(f"{argument}: there is no such file or folder; check the path.")
        for path in paths:
            yield from _search(path, problems) if path.is_dir() else [ImageFile(path)]
    except OSError as error:
        problems.append(f"{argument}: cannot be read ({error.strerror}).")


def _matches(argument: str) -> list[Path]:
    if Path(argument).exists():
        return [Path(argument)]
    if not glob.has_magic(argument):
        return []
    return sorted(map(Path, glob.glob(argument, recursive=True)))  # noqa: PTH207 (Path.glob takes no absolute pattern)


def _search(folder: Path, problems: list[str]) -> Iterator[ImageFile]:
    empty = True
    for path in images_below(folder, problems.append):
        empty = False
        yield ImageFile(path)
    if empty:
        problems.append(f"{folder}: holds no file that ends in {', '.join(SUFFIXES)}.")
