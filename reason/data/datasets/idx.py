"""Pairs of idx files, the format of MNIST and its kin: one file of images, one of labels."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from reason import progress
from reason.data.images import Preprocessing
from reason.errors import DatasetError


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
        DatasetError: a file is missing or damaged.
    """
    from torchvision.datasets import mnist as idx  # imported here: it takes longer to import than a bundle to load

    pictures, names = folder / f"{stem}-images-idx3-ubyte", folder / f"{stem}-labels-idx1-ubyte"
    for file in (pictures, names):
        if not file.is_file():
            raise DatasetError(f"{file} was not found; {hint}.")
    try:
        raw, labels = idx.read_image_file(str(pictures)), idx.read_label_file(str(names))
    except (ValueError, AssertionError, RuntimeError, OSError, IndexError, KeyError) as error:
        raise DatasetError(f"{folder}: its {stem} files are damaged ({error}); delete and fetch them again.") from error
    if len(raw) != len(labels):
        raise DatasetError(
            f"{folder}: {len(raw)} images but {len(labels)} labels in its {stem} files; fetch them again."
        )
    with progress.bar(f"decode {stem} images") as bar:
        squares = [preprocessing.pixels(Image.fromarray(raw[row].numpy())) for row in bar.over(range(len(raw)))]
    return torch.stack(squares), labels
