"""What a data set declares, and the registry of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.data.samples import Samples
from reason.errors import DatasetError
from reason.registry import Registry

FILES = ("imagenette", "mnist", "textures", "not_mnist")
"""Modules of this package that hold data sets; to add one, name it here."""

Part = Literal["train", "test"]


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set of labelled images, which is read from a folder of data sets."""

    name: str
    """Name, as recipes and bundles write it."""
    read: Callable[[Path, Part, Preprocessing], ImageSet]
    """``read(root, part, preprocessing)`` returns a part; it raises ``DatasetError`` where that is missing."""
    classes: tuple[str, ...] = ()
    """Names of the classes in the order of the labels; empty where the folder on disk says them."""
    parts: tuple[Part, ...] = ("train", "test")
    """The parts it has; what has no part to train on can still serve as OOD images of others."""
    ood: str | None = None
    """Name of a data set of which no image belongs to one of these classes: out of distribution."""
    fetch: Callable[[Path], None] | None = None
    """``fetch(root)`` downloads it into the folder of data sets, unless it is there."""
    samples: Callable[[Path], Samples] | None = None
    """``samples(root)`` returns pictures to try; it raises ``SampleError`` where there are none on this machine."""


DATASETS: Registry[DataSet] = Registry(
    "data set",
    group="reason.datasets",
    modules=[f"reason.data.datasets.{file}" for file in FILES],
    accepts=lambda item: isinstance(item, DataSet),
    error=DatasetError,
)
"""Data sets by name."""
