"""Images that lie in files of their own: in a folder with one subfolder a class, or wherever a table says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from reason.data.images import decode
from reason.data.labelled.classes import index_labels
from reason.data.labelled.images import LabelledImages, Pictures
from reason.data.search import SUFFIXES, images_below
from reason.errors import BrokenImageError, DatasetError
from reason.files import open_regular, sha256_of, size_of

MOST_BYTES = 2**29
"""Largest file that is read as an image."""

PARTS = frozenset(("train", "training", "val", "valid", "validation", "dev", "test", "testing"))
"""What the parts of data sets are called on disk."""


class FilePictures(Pictures):
    """Pictures in files of their own.

    Args:
        paths: of each.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)

    def read(self, place: int, name: str) -> Image.Image:
        """Return one image; see ``Pictures``."""
        try:
            with open_regular(self._paths[place]) as file:
                if size_of(file) > MOST_BYTES:
                    raise BrokenImageError(f"{name}: more than {MOST_BYTES:,} bytes; save a smaller image.")
                data = file.read()
        except OSError as error:
            raise BrokenImageError(f"{name}: cannot be read ({error.strerror}).") from None
        return decode(data, name=name)

    def file_digest(self, place: int) -> str | None:
        """Return the SHA-256 of the image's file; see ``Pictures``."""
        try:
            with open_regular(self._paths[place]) as file:
                return sha256_of(file)
        except OSError:
            return None


def labelled_files(
    paths: Sequence[Path],
    sources: Sequence[str],
    labels: torch.Tensor,
    classes: tuple[str, ...],
    groups: tuple[str, ...] = (),
) -> LabelledImages:
    """Put together images in files with their labels, int64 ``[n]``."""
    places = torch.arange(len(paths))
    return LabelledImages(labels, tuple(sources), classes, FilePictures(paths), places, groups=groups)


def read_class_folders(folder: Path, classes: Sequence[str] | None = None) -> LabelledImages:
    """List the images of a folder with one subfolder a class; folders within a class are searched too.

    Args:
        folder: holds the subfolders.
        classes: names of the subfolders, and of classes without images, in the order of the classifier's outputs; by
            default the subfolders in the order of their names, as torchvision's ``ImageFolder`` sorts them.

    Raises:
        DatasetError: there is no such folder, its subfolders are no classes, or a class has no image.
    """
    subfolders = _subfolders(folder)
    _refuse_parts(folder, subfolders, classes)
    problems: list[str] = []
    found = [(name, path) for name in subfolders for path in images_below(folder / name, problems.append)]
    if problems:
        raise DatasetError(f"{problems[0]} Let it be read, or take it away.")
    _refuse_empty(folder, subfolders, {name for name, _ in found}, classes)
    labels, names = index_labels([name for name, _ in found], (), classes, str(folder))
    paths = [path for _, path in found]
    return labelled_files(paths, [path_name(path, folder) for path in paths], labels, names)


def path_name(path: Path, folder: Path) -> str:
    """Return how a file is called: its path below the folder, with slashes; always valid UTF-8."""
    name = path.relative_to(folder) if path.is_relative_to(folder) else path
    return os.fsencode(name.as_posix()).decode("utf-8", "backslashreplace")


def _subfolders(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise DatasetError(f"{folder}: the folder cannot be read ({error.strerror}); check the path.") from None


def _refuse_parts(folder: Path, subfolders: Sequence[str], classes: Sequence[str] | None) -> None:
    if not subfolders or not all(name.lower() in PARTS for name in subfolders) or set(subfolders) & set(classes or ()):
        return
    raise DatasetError(
        f"{folder}: its subfolders ({', '.join(subfolders)}) are parts of a data set, not classes; give one of them "
        f"that the classifier was not trained on, such as {folder / subfolders[-1]}."
    )


def _refuse_empty(folder: Path, subfolders: Sequence[str], full: set[str], classes: Sequence[str] | None) -> None:
    if not full:
        raise DatasetError(
            f"{folder}: holds no image in a subfolder; put those of each class into a subfolder of its name "
            f"(files that end in {', '.join(SUFFIXES)})."
        )
    empty = [name for name in subfolders if name not in full]
    if empty and not classes:
        raise DatasetError(
            f"{folder / empty[0]}: holds no image; delete it, or name the classes in the order of the outputs "
            f"(--classes)."
        )
