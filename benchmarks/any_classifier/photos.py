"""The labelled images that classifiers are trained on, and those that are kept from them to fit and to test on."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from reason.data.datasets.imagenette import CLASSES, FOLDER
from reason.data.image_set import split
from reason.data.images import Preprocessing, decode
from reason.fitting.recipe import read as read_recipe
from reason.resources import recipe_file

Row = tuple[Path, str]
"""A file, and the name of its class."""

TRAIN, FIT, TEST = "train", "fit", "test"
"""Parts: disjoint, and the last one is the data set's own test images."""

FIT_IMAGES = 2500
DIGITS = {TRAIN: 12_000, FIT: 2500, TEST: 3000}
EASY = ("church", "French horn", "garbage truck", "parachute")
"""Classes that the shipped photo classifier hardly ever confuses."""


@dataclass(frozen=True, slots=True)
class Images:
    """Where the images of each part lie, and what their classes are."""

    classes: tuple[str, ...]
    """In the order of the classifier's outputs, which is not that of the alphabet."""
    parts: dict[str, tuple[Row, ...]]

    def tensors(self, part: str, preprocessing: Preprocessing, cache: Path) -> tuple[torch.Tensor, torch.Tensor]:
        """Return pixels ``[n, channels, side, side]`` as uint8, and labels ``[n]``; decoded once."""
        rows = self.parts[part]
        about = f"{preprocessing} {[str(path) for path, _ in rows]}"
        file = cache / f"{part}-{hashlib.sha256(about.encode()).hexdigest()[:16]}.pt"
        if not file.is_file():
            cache.mkdir(parents=True, exist_ok=True)
            torch.save(torch.stack([preprocessing.pixels(decode(path)) for path, _ in rows]), file)
        pixels: torch.Tensor = torch.load(file, weights_only=True)
        return pixels, torch.tensor([self.classes.index(name) for _, name in rows])

    def write(self, folder: Path, most: Mapping[str, int | None]) -> dict[str, Path]:
        """Write a table of paths and labels for each of these parts, of so many; return the files by part."""
        files = {part: folder / f"{part}.csv" for part in most}
        for part, file in files.items():
            with file.open("w", newline="") as text:
                csv.writer(text).writerows([("path", "label"), *self.parts[part][: most[part]]])
        (folder / "classes.txt").write_text("".join(f"{name}\n" for name in self.classes))
        return files


def photos(root: Path) -> Images:
    """Return Imagenette: its train photos to train and to fit on, its validation photos to test on."""
    held_out = _by_name(_listed(root, "train"))
    parts = {TRAIN: held_out[FIT_IMAGES:], FIT: held_out[:FIT_IMAGES], TEST: tuple(_by_name(_listed(root, "val")))}
    return Images(tuple(CLASSES.values()), {part: tuple(rows) for part, rows in parts.items()})


def easy_photos(root: Path) -> Images:
    """Return the photos of the classes in ``EASY`` that the shipped photo classifier did not train on."""
    recipe = read_recipe(recipe_file("imagenette"))
    rows, names = _listed(root, "train"), list(CLASSES.values())
    labels = torch.tensor([names.index(name) for _, name in rows])
    _, *unseen = split(labels, (recipe.data.base_share, recipe.data.meta_share), recipe.seed)
    found = {FIT: [rows[place] for place in torch.cat(unseen).tolist()], TEST: _listed(root, "val")}
    easy = {part: tuple(row for row in _by_name(some) if row[1] in EASY) for part, some in found.items()}
    return Images(EASY, {TRAIN: (), **easy})


def digits(root: Path, folder: Path) -> Images:
    """Return some of MNIST, written as files below ``folder``."""
    from torchvision.datasets import MNIST

    parts: dict[str, tuple[Row, ...]] = {}
    first = 0
    for part, count in DIGITS.items():
        data = MNIST(str(root), train=part != TEST)
        start = 0 if part == TEST else first
        first = start + count
        parts[part] = tuple(_written(data, range(start, start + count), folder / part))
    return Images(tuple(map(str, range(10))), parts)


def _written(data: Sequence[tuple[object, int]], places: Iterable[int], folder: Path) -> Iterable[Row]:
    for place in places:
        image, label = data[place]
        file = folder / f"{place:05d}.png"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            assert isinstance(image, Image.Image)
            image.save(file)
        yield file, str(label)


def _listed(root: Path, part: str) -> list[Row]:
    folder = root / FOLDER / part
    return [
        (path.absolute(), name) for wnid, name in CLASSES.items() for path in sorted((folder / wnid).glob("*.JPEG"))
    ]


def _by_name(rows: Iterable[Row]) -> list[Row]:
    """Return rows in an order that has nothing to do with their classes, the same each time."""
    return sorted(rows, key=lambda row: hashlib.sha256(row[0].name.encode()).digest())
