"""Data sets by name: what reads them, their OOD images, and samples of them."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

import torch

from reason import progress
from reason.data.datasets.base import DATASETS, DataSet, Part
from reason.data.datasets.folder import read_folder
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.data.labels import OOD_LABEL
from reason.data.samples import Samples
from reason.errors import DatasetError, SampleError

__all__ = ["DATASETS", "DataSet", "Part", "find_samples", "read", "read_folder", "read_ood"]


def read(name: str, root: Path, part: Part, preprocessing: Preprocessing, *, download: bool = False) -> ImageSet:
    """Read a part of a data set, and say which images were left out.

    Args:
        name: of the data set.
        root: folder of data sets.
        part: which part.
        preprocessing: how the images are prepared.
        download: fetch the data set when it is missing.

    Raises:
        DatasetError: there is no data set of this name or no such part, or it is missing or damaged.
    """
    found = DATASETS[name]
    if part not in found.parts:
        raise DatasetError(f"the data set {name} has no images to {part} on; take another.")
    if download and found.fetch is not None:
        found.fetch(root)
    images = found.read(root, part, preprocessing)
    for sentence in images.skipped:
        progress.say(f"left out: {sentence}")
    return images


def read_ood(name: str, root: Path, preprocessing: Preprocessing) -> ImageSet:
    """Read a data set as images that belong to none of another's classes: all have ``OOD_LABEL``.

    Raises:
        DatasetError: there is no data set of this name, or it is missing or damaged.
    """
    images = read(name, root, "test", preprocessing)
    return dataclasses.replace(images, labels=torch.full_like(images.labels, OOD_LABEL), classes=())


@cache
def find_samples(name: str, root: Path) -> Samples:
    """Find pictures of a data set; what was found is remembered as long as the process runs.

    Args:
        name: of the data set, as in a recipe.
        root: folder of data sets.

    Raises:
        SampleError: there are none for this data set on this machine.
        DatasetError: the data set is there but damaged.
    """
    found = DATASETS[name].samples if name in DATASETS else None
    if found is None:
        some = " and ".join(known.name for known in DATASETS.values() if known.samples)
        raise SampleError(f"There are no samples for the data set {name}; bundles of {some} have some.")
    with progress.hidden():
        return found(root)


DATASETS.load()
