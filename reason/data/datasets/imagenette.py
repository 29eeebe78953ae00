"""Imagenette v2: ten classes of photos from ImageNet (Howard, 2019)."""

from __future__ import annotations

from importlib.resources import files
from itertools import zip_longest
from pathlib import Path

from reason.data.datasets.base import DATASETS, DataSet, Part
from reason.data.datasets.folder import read_files
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.data.samples import Samples
from reason.errors import DatasetError, SampleError

FOLDER = "imagenette2-320"

CLASSES = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}
"""Names of the classes by WordNet's number, the name of their folder."""

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

_FOLDERS: dict[Part, str] = {"train": "train", "test": "val"}


def fetch_imagenette(root: Path) -> None:
    """Download both parts into ``root/imagenette2-320``, unless they are there."""
    if not (root / FOLDER).is_dir():
        from torchvision.datasets import Imagenette  # imported here: it takes longer to import than a bundle to load

        Imagenette(root, size="320px", download=True)


def read_imagenette(root: Path, part: Part, preprocessing: Preprocessing) -> ImageSet:
    """Read its official ``train`` or ``val`` split from ``root/imagenette2-320``.

    A corrupt image is left out and named in ``skipped``.

    Raises:
        DatasetError: the folder is missing or holds no readable image.
    """
    folder = root / FOLDER / _FOLDERS[part]
    found = [path for wnid in CLASSES for path in sorted((folder / wnid).glob("*.JPEG"))]
    if not found:
        raise DatasetError(
            f"Imagenette was not found in {folder}; `reason train --download` fetches it there, "
            f"or point --data-root (or REASON_DATA) at the folder that holds {FOLDER}."
        )
    wnids = list(CLASSES)
    labels = [wnids.index(path.parent.name) for path in found]
    return read_files(found, labels, tuple(CLASSES.values()), preprocessing)


def find_photos(root: Path) -> Samples:
    """Return the photos of ``val``, classes taking turns; without them, those that scikit-image brings along.

    Raises:
        SampleError: there are none of either.
    """
    return _validation(root) or _of_scikit_image()


def _validation(root: Path) -> Samples | None:
    each = [sorted((root / FOLDER / _FOLDERS["test"] / wnid).glob("*.JPEG")) for wnid in CLASSES]
    # Classes take turns, so that somebody who pages through does not see hundreds of fish first.
    photos = [path for turn in zip_longest(*each) for path in turn if path is not None]
    if not photos:
        return None
    return Samples(
        "Imagenette val",
        tuple(f"{path.parent.name}/{path.name}" for path in photos),
        tuple(CLASSES[path.parent.name] for path in photos),
        lambda index: photos[index].read_bytes(),
    )


def _of_scikit_image() -> Samples:
    try:
        folder = files("skimage") / "data"
        names = tuple(name for name in PHOTOS if (folder / name).is_file())
    except ModuleNotFoundError:
        names = ()
    if not names:
        raise SampleError(
            "There are no sample photos on this machine; install scikit-image (`pip install scikit-image`), "
            f"or point REASON_DATA at the folder that holds {FOLDER}."
        )
    return Samples(
        "scikit-image photos", names, (None,) * len(names), lambda index: (folder / names[index]).read_bytes()
    )


DATASETS.register(
    DataSet(
        "imagenette",
        read_imagenette,
        classes=tuple(CLASSES.values()),
        ood="textures",
        fetch=fetch_imagenette,
        samples=find_photos,
    )
)
