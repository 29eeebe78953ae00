"""MNIST: handwritten digits of 28 x 28 pixels (LeCun et al., 1998)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from reason.data.datasets.base import DATASETS, DataSet, Part
from reason.data.datasets.idx import read_idx
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing, to_png
from reason.data.samples import Samples

CLASSES = tuple(map(str, range(10)))

SIDE = 28
"""Side of a digit, in pixels."""

_STEMS: dict[Part, str] = {"train": "train", "test": "t10k"}


def fetch_mnist(root: Path) -> None:
    """Download both parts into ``root/MNIST/raw``, unless they are there."""
    if not (root / "MNIST" / "raw").is_dir():
        from torchvision.datasets import MNIST  # imported here: it takes longer to import than a bundle to load

        MNIST(root, download=True)


def read_mnist(root: Path, part: Part, preprocessing: Preprocessing) -> ImageSet:
    """Read the digits (60,000 train, 10,000 test) from ``root/MNIST/raw``.

    Raises:
        DatasetError: a file is missing or damaged.
    """
    hint = (
        "`reason train --download` fetches it there, "
        "or point --data-root (or REASON_DATA) at the folder that holds MNIST"
    )
    pixels, labels = read_idx(root / "MNIST" / "raw", _STEMS[part], hint, preprocessing)
    sources = tuple(f"{part}/{row:05d}" for row in range(len(labels)))
    return ImageSet(pixels, CLASSES, labels=labels, sources=sources)


def find_digits(root: Path) -> Samples:
    """Return the test digits; without them, the smaller ones that scikit-learn brings along.

    Raises:
        DatasetError: the folder is there but damaged.
    """
    return _test(root) if (root / "MNIST").is_dir() else _of_scikit_learn()


def _test(root: Path) -> Samples:
    # Mean and deviation are not used: only the pixels are read.
    images = read_mnist(root, "test", Preprocessing(SIDE, "L", (0.0,), (1.0,)))
    labels = tuple(images.classes[label] for label in images.labels.tolist())

    def read(index: int) -> bytes:
        return to_png(Image.fromarray(images.pixels[index, 0].numpy()))

    return Samples("MNIST test", images.sources, labels, read)


def _of_scikit_learn() -> Samples:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = (digits.images * (255 / 16)).round().astype(np.uint8)

    def read(index: int) -> bytes:
        return to_png(Image.fromarray(pixels[index]).resize((SIDE, SIDE), Image.Resampling.BICUBIC))

    names = tuple(f"{row:04d}" for row in range(len(pixels)))
    return Samples("scikit-learn digits", names, tuple(map(str, digits.target.tolist())), read)


DATASETS.register(DataSet("mnist", read_mnist, classes=CLASSES, ood="letters", fetch=fetch_mnist, samples=find_digits))
