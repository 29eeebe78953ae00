"""Pictures to try a bundle on: test pictures of its data set if they are on the machine, else some of a package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path

import numpy as np
from PIL import Image

from reason.data.datasets import IMAGENETTE_CLASSES, IMAGENETTE_FOLDER, read_mnist
from reason.data.images import Preprocessing, to_png
from reason.errors import SampleError

DIGIT_SIDE = 28
"""Side of a digit, in pixels."""

PHOTOS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
)
"""Files of scikit-image's data folder that are photos and come with the package."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded picture, PNG or JPEG."""

    name: str
    """Name inside its source."""
    label: str | None
    """True class, where it is known."""
    data: bytes
    """The picture as bytes of a file."""

    @property
    def media_type(self) -> str:
        """``image/jpeg`` or ``image/png``."""
        return "image/jpeg" if self.data.startswith(b"\xff\xd8") else "image/png"


@dataclass(frozen=True, slots=True)
class Samples:
    """Pictures of one source, read one at a time; several threads may read at once."""

    source: str
    """Where they come from, such as ``MNIST test``."""
    names: tuple[str, ...]
    """Name of each inside its source."""
    labels: tuple[str | None, ...]
    """True class of each, where it is known."""
    read: Callable[[int], bytes]
    """Returns the file of the picture at an index."""

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        """Read one picture.

        Raises:
            IndexError: the index is not from 0 to ``len(self) - 1``.
            OSError: the file has gone since it was listed.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"index {index}: out of range; there are {len(self)} samples, counted from 0.")
        return Sample(self.names[index], self.labels[index], self.read(index))


@cache
def find_samples(dataset: str, root: Path) -> Samples:
    """Find pictures of a data set; what was found is remembered as long as the process runs.

    Args:
        dataset: name of the data set, as in a recipe.
        root: folder of data sets.

    Raises:
        SampleError: there are none for this data set on this machine.
        DatasetError: the data set is there but damaged.
    """
    if dataset == "mnist":
        return _mnist(root) if (root / "MNIST").is_dir() else _digits()
    if dataset != "imagenette":
        raise SampleError(
            f"There are no samples for the data set {dataset}; bundles of imagenette and mnist have some."
        )
    found = _imagenette(root) or _photos()
    if found is None:
        raise SampleError(
            "There are no sample photos on this machine; install scikit-image (`pip install scikit-image`), "
            f"or point REASON_DATA at the folder that holds {IMAGENETTE_FOLDER}."
        )
    return found


def _mnist(root: Path) -> Samples:
    # Mean and deviation are not used: only the pixels are read.
    images = read_mnist(root, "test", Preprocessing(DIGIT_SIDE, "L", (0.0,), (1.0,)))
    labels = tuple(images.classes[label] for label in images.labels.tolist())

    def read(index: int) -> bytes:
        return to_png(Image.fromarray(images.pixels[index, 0].numpy()))

    return Samples("MNIST test", images.sources, labels, read)


def _digits() -> Samples:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = (digits.images * (255 / 16)).round().astype(np.uint8)

    def read(index: int) -> bytes:
        return to_png(Image.fromarray(pixels[index]).resize((DIGIT_SIDE, DIGIT_SIDE), Image.Resampling.BICUBIC))

    names = tuple(f"{row:04d}" for row in range(len(pixels)))
    return Samples("scikit-learn digits", names, tuple(map(str, digits.target.tolist())), read)


def _imagenette(root: Path) -> Samples | None:
    folder = root / IMAGENETTE_FOLDER / "val"
    each = [sorted((folder / wnid).glob("*.JPEG")) for wnid in IMAGENETTE_CLASSES]
    # Classes take turns, so that somebody who pages through does not see hundreds of fish first.
    photos = [path for turn in zip_longest(*each) for path in turn if path is not None]
    if not photos:
        return None
    return Samples(
        "Imagenette val",
        tuple(f"{path.parent.name}/{path.name}" for path in photos),
        tuple(IMAGENETTE_CLASSES[path.parent.name] for path in photos),
        lambda index: photos[index].read_bytes(),
    )


def _photos() -> Samples | None:
    try:
        folder = files("skimage") / "data"
    except ModuleNotFoundError:
        return None
    names = tuple(name for name in PHOTOS if (folder / name).is_file())
    if not names:
        return None
    return Samples(
        "scikit-image photos", names, (None,) * len(names), lambda index: (folder / names[index]).read_bytes()
    )
