"""Photos of textures, 1,200 of the Describable Textures Dataset (Cimpoi et al., 2014)."""

from __future__ import annotations

from pathlib import Path

from reason.data.datasets.base import DATASETS, DataSet, Part
from reason.data.datasets.folder import read_folder
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing


def read_textures(root: Path, part: Part, preprocessing: Preprocessing) -> ImageSet:
    """Read the photos from ``root/textures``.

    Raises:
        DatasetError: the folder is missing or holds no readable image.
    """
    return read_folder(root / "textures", preprocessing)


DATASETS.register(DataSet("textures", read_textures, parts=("test",)))
