"""notMNIST: the letters A to J in many typefaces, as large as digits of MNIST (Bulatov, 2011)."""

from __future__ import annotations

from pathlib import Path

from reason.data.datasets.base import DATASETS, DataSet, Part
from reason.data.datasets.idx import read_idx
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing

CLASSES = tuple("ABCDEFGHIJ")


def read_letters(root: Path, part: Part, preprocessing: Preprocessing) -> ImageSet:
    """Read the 10,000 test letters from ``root/notMNIST/raw``.

    Raises:
        DatasetError: a file is missing or damaged.
    """
    hint = "point --data-root (or REASON_DATA) at the folder that holds notMNIST"
    pixels, labels = read_idx(root / "notMNIST" / "raw", "t10k", hint, preprocessing)
    sources = tuple(f"{CLASSES[label]}/{row:05d}" for row, label in enumerate(labels.tolist()))
    return ImageSet(pixels, CLASSES, labels=labels, sources=sources)


DATASETS.register(DataSet("letters", read_letters, classes=CLASSES, parts=("test",)))
