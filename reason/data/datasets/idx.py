"""Pairs of idx files, the format of MNIST and its kin: one file of images, one of labels."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from reason import progress
from reason.data.images import Preprocessing
from reason.errors import DatasetError

IMAGES_MAGIC, LABELS_MAGIC = 0x803, 0x801
"""First number of a file of bytes in three dimensions, and in one."""


def read_idx(folder: Path, stem: str, hint: str, preprocessing: Preprocessing) -> tuple[torch.Tensor, torch.Tensor]:
    """Read ``<stem>-images-idx3-ubyte`` and ``<stem>-labels-idx1-ubyte`` behind a progress bar.

    Args:
        folder: where they lie.
        stem: how their names start.
        hint: what to do when one is missing.
        preprocessing: how the images are prepared.

    Returns:
        Pixels, uint8 ``[n, channels, size, size]``, and labels, int64 ``[n]``.

    Raises:
        DatasetError: a file is missing or damaged, or they differ in number.
    """
    raw = _bytes(folder / f"{stem}-images-idx3-ubyte", IMAGES_MAGIC, 3, hint)
    labels = _bytes(folder / f"{stem}-labels-idx1-ubyte", LABELS_MAGIC, 1, hint)
    if len(raw) != len(labels):
        raise DatasetError(
            f"{folder}: {len(raw)} images but {len(labels)} labels in its {stem} files; fetch them again."
        )
    with progress.bar(f"decode {stem} images") as bar:
        squares = [preprocessing.pixels(Image.fromarray(image)) for image in bar.over(raw)]
    return torch.stack(squares), torch.from_numpy(labels.astype(np.int64))


def _bytes(file: Path, magic: int, dimensions: int, hint: str) -> NDArray[np.uint8]:
    """Return the array of a file: a magic number and the lengths, 4 bytes each, big end first, then the bytes."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"{file} was not found; {hint}.") from None
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read ({error.strerror}).") from None
    header = 4 * (1 + dimensions)
    found, *lengths = struct.unpack(f">{1 + dimensions}I", data[:header].ljust(header, b"\0"))
    if found != magic or len(data) - header != math.prod(lengths):
        raise DatasetError(f"{file}: damaged, or no file of this kind; delete it and fetch it again.")
    return np.frombuffer(data, np.uint8, offset=header).reshape(lengths)
