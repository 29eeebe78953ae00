"""Labelled image sets in memory, their split into disjoint parts, and their corruption."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import joblib
import numpy as np
import torch
from PIL import Image
from torchvision import datasets as torchvision_datasets
from torchvision.datasets import mnist as idx

from reason import progress as bars
from reason.data.corruptions import corrupt_pixels
from reason.data.images import Preprocessing, decode
from reason.errors import DatasetError, ReasonError

IMAGENETTE_FOLDER = "imagenette2-320"

IMAGENETTE_CLASSES = {
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


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Decoded images with labels, in memory."""

    pixels: torch.Tensor
    """uint8 ``[n, channels, size, size]``."""
    labels: torch.Tensor
    """int64 ``[n]``, indices into ``classes``."""
    sources: tuple[str, ...]
    """Name of each image inside its data set."""
    classes: tuple[str, ...]
    corruptions: tuple[str, ...] = ()
    """Name of each image's corruption, ``clean`` where it has none; empty when all are clean."""
    severities: torch.Tensor | None = None
    """Severity of each corruption, float32 ``[n]`` in [0, 1]; ``None`` when all are clean."""
    skipped: tuple[str, ...] = ()
    """Sentences about images that could not be decoded, and were left out."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: torch.Tensor) -> ImageSet:
        """Return the images at these indices."""
        sources = tuple(self.sources[row] for row in rows.tolist())
        corruptions = tuple(self.corruptions[row] for row in rows.tolist()) if self.corruptions else ()
        severities = None if self.severities is None else self.severities[rows]
        return ImageSet(self.pixels[rows], self.labels[rows], sources, self.classes, corruptions, severities)

    def fingerprint(self) -> str:
        """Return a SHA-256 over the names, the labels and the decoded pixels."""
        digest = hashlib.sha256("\n".join(self.sources).encode())
        digest.update(self.labels.numpy().tobytes())
        digest.update(self.pixels.numpy().tobytes())
        return digest.hexdigest()


CLEAN = "clean"
"""How images without a corruption are called."""

OOD_LABEL = -1
"""Label of images that belong to none of the classes: every prediction of them is wrong."""

Part = Literal["train", "test"]
Progress = Callable[[Iterable[Any]], Iterable[Any]]


def read_imagenette(
    root: Path,
    part: Part,
    preprocessing: Preprocessing,
    *,
    download: bool = False,
    progress: Progress | None = None,
) -> ImageSet:
    """Read Imagenette v2 (its official ``train`` or ``val`` split) from ``root/imagenette2-320``.

    A corrupt image is left out and named in ``skipped``.

    Raises:
        DatasetError: the folder is missing or holds no readable image.
    """
    folder = root / IMAGENETTE_FOLDER / {"train": "train", "test": "val"}[part]
    if download and not folder.is_dir():
        torchvision_datasets.Imagenette(root, split=folder.name, size="320px", download=True)
    files = [path for wnid in IMAGENETTE_CLASSES for path in sorted((folder / wnid).glob("*.JPEG"))]
    if not files:
        raise DatasetError(
            f"Imagenette was not found in {folder}; `reason train --download` fetches it there, "
            "or point --data-root (or REASON_DATA) at the folder that holds imagenette2-320."
        )
    wnids = list(IMAGENETTE_CLASSES)
    labels = [wnids.index(path.parent.name) for path in files]
    return _load(files, labels, tuple(IMAGENETTE_CLASSES.values()), preprocessing, progress)


def read_folder(folder: Path, preprocessing: Preprocessing, *, progress: Progress | None = None) -> ImageSet:
    """Read images of your own: one subfolder a class, classes in alphabetical order.

    A corrupt image is left out and named in ``skipped``; files with another ending than an image's are passed over.

    Raises:
        DatasetError: the folder is missing or holds no readable image.
    """
    classes = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir())) if folder.is_dir() else ()
    endings = set(Image.registered_extensions())
    files = [path for name in classes for path in sorted((folder / name).iterdir()) if path.suffix.lower() in endings]
    if not files:
        raise DatasetError(f"{folder}: holds no images; put those of each class into a subfolder of its name.")
    return _load(files, [classes.index(path.parent.name) for path in files], classes, preprocessing, progress)


def read_mnist(
    root: Path,
    part: Part,
    preprocessing: Preprocessing,
    *,
    download: bool = False,
    progress: Progress | None = None,
) -> ImageSet:
    """Read the MNIST digits (60,000 train, 10,000 test) from ``root/MNIST/raw``.

    Raises:
        DatasetError: a file is missing or damaged.
    """
    folder = root / "MNIST" / "raw"
    if download and not folder.is_dir():
        torchvision_datasets.MNIST(root, download=True)
    hint = (
        "`reason train --download` fetches it there, "
        "or point --data-root (or REASON_DATA) at the folder that holds MNIST"
    )
    pixels, labels = _read_idx(folder, {"train": "train", "test": "t10k"}[part], hint, preprocessing, progress)
    sources = tuple(f"{part}/{row:05d}" for row in range(len(labels)))
    return ImageSet(pixels, labels, sources, tuple(map(str, range(10))))


def read_letters(root: Path, preprocessing: Preprocessing, *, progress: Progress | None = None) -> ImageSet:
    """Read the letters A to J of notMNIST (10,000) from ``root/notMNIST/raw``: none is of a digit's class.

    Raises:
        DatasetError: a file is missing or damaged.
    """
    hint = "point --data-root (or REASON_DATA) at the folder that holds notMNIST"
    pixels, labels = _read_idx(root / "notMNIST" / "raw", "t10k", hint, preprocessing, progress)
    names = "ABCDEFGHIJ"
    sources = tuple(f"{names[label]}/{row:05d}" for row, label in enumerate(labels.tolist()))
    return ImageSet(pixels, torch.full_like(labels, OOD_LABEL), sources, ())


def read_textures(root: Path, preprocessing: Preprocessing, *, progress: Progress | None = None) -> ImageSet:
    """Read photos of textures (1,200 of DTD) from ``root/textures``: none is of an Imagenette class.

    Raises:
        DatasetError: the folder is missing or holds no readable image.
    """
    images = read_folder(root / "textures", preprocessing, progress=progress)
    return dataclasses.replace(images, labels=torch.full_like(images.labels, OOD_LABEL), classes=())


READERS: dict[str, Callable[..., ImageSet]] = {"imagenette": read_imagenette, "mnist": read_mnist}
"""Data sets by the name that recipes use."""


def read(name: str, root: Path, part: Part, preprocessing: Preprocessing, *, download: bool = False) -> ImageSet:
    """Read a data set of ``READERS`` with a progress bar, and say which images were left out.

    Raises:
        DatasetError: the data set is missing or damaged.
    """
    with bars.bar(f"decode {part} images") as bar:
        images = READERS[name](root, part, preprocessing, download=download, progress=bar.over)
    for sentence in images.skipped:
        bars.say(f"left out: {sentence}")
    return images


OOD_SETS: dict[str, tuple[str, Callable[..., ImageSet]]] = {
    "imagenette": ("textures", read_textures),
    "mnist": ("letters", read_letters),
}
"""For each data set, name and reader of images that belong to none of its classes."""


def _read_idx(
    folder: Path, stem: str, hint: str, preprocessing: Preprocessing, progress: Progress | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pixels and labels of a pair of idx files."""
    pictures, names = folder / f"{stem}-images-idx3-ubyte", folder / f"{stem}-labels-idx1-ubyte"
    for file in (pictures, names):
        if not file.is_file():
            raise DatasetError(f"{file} was not found; {hint}.")
    try:
        raw, labels = idx.read_image_file(str(pictures)), idx.read_label_file(str(names))
    except (ValueError, AssertionError, RuntimeError, OSError, IndexError, KeyError) as error:
        raise DatasetError(f"{folder}: its {stem} files are damaged ({error}); delete and fetch them again.") from None
    if len(raw) != len(labels):
        raise DatasetError(
            f"{folder}: {len(raw)} images but {len(labels)} labels in its {stem} files; fetch them again."
        )
    shown = progress(range(len(raw))) if progress else range(len(raw))
    return torch.stack([preprocessing.pixels(Image.fromarray(raw[row].numpy())) for row in shown]), labels


def corrupted(
    images: ImageSet, types: Sequence[str], seed: int, *, chance: float = 1.0, severity: float | None = None
) -> ImageSet:
    """Corrupt a set of clean images; type and severity are kept with each.

    Args:
        images: clean images.
        types: names of corruptions, drawn uniformly.
        seed: seed of every draw.
        chance: share of the images that are corrupted, in [0, 1].
        severity: of all images, in [0, 1]; drawn uniformly by default.
    """
    n = len(images)
    random = np.random.default_rng(seed)
    chosen = np.where(random.random(n) < chance, random.integers(0, len(types), n), -1)
    drawn = random.random(n) if severity is None else np.full(n, severity)
    severities = torch.from_numpy(np.where(chosen < 0, 0.0, drawn)).float()
    seeds = torch.from_numpy(random.integers(0, 2**62, n))
    pixels = images.pixels.clone()
    for number, name in enumerate(types):
        rows = torch.from_numpy(np.flatnonzero(chosen == number))
        pixels[rows] = corrupt_pixels(name, images.pixels[rows], severities[rows], seeds[rows])
    names = tuple(CLEAN if number < 0 else types[number] for number in chosen)
    return dataclasses.replace(images, pixels=pixels, corruptions=names, severities=severities)


def _load(
    files: Sequence[Path],
    labels: Sequence[int],
    classes: tuple[str, ...],
    preprocessing: Preprocessing,
    progress: Progress | None,
) -> ImageSet:
    def read(path: Path) -> torch.Tensor | str:
        try:
            return preprocessing.pixels(decode(path))
        except ReasonError as error:
            return str(error)

    # Threads suffice: Pillow releases the interpreter lock while it decodes.
    decoded = joblib.Parallel(n_jobs=os.cpu_count() or 1, prefer="threads")(
        joblib.delayed(read)(path) for path in (progress(files) if progress else files)
    )
    good = [i for i, item in enumerate(decoded) if isinstance(item, torch.Tensor)]
    skipped = tuple(item for item in decoded if isinstance(item, str))
    if not good:
        raise DatasetError(f"none of the {len(files)} images in {files[0].parent.parent} could be decoded.")
    return ImageSet(
        pixels=torch.stack([decoded[i] for i in good]),
        labels=torch.tensor([labels[i] for i in good]),
        sources=tuple(f"{files[i].parent.name}/{files[i].name}" for i in good),
        classes=classes,
        skipped=skipped,
    )


def split(labels: torch.Tensor, shares: Sequence[float], seed: int) -> list[torch.Tensor]:
    """Split indices into disjoint parts with the same share of each class.

    Args:
        labels: int64 ``[n]``.
        shares: share of each part but the last, which takes the rest.
        seed: seed of the shuffle.

    Returns:
        One sorted int64 tensor of indices a part; together they hold every index once.
    """
    generator = torch.Generator().manual_seed(seed)
    parts: list[list[torch.Tensor]] = [[] for _ in range(len(shares) + 1)]
    for label in labels.unique():
        rows = (labels == label).nonzero().flatten()
        rows = rows[torch.randperm(len(rows), generator=generator)]
        edges = [round(sum(shares[: i + 1]) * len(rows)) for i in range(len(shares))]
        for part, chunk in zip(parts, torch.tensor_split(rows, edges), strict=True):
            part.append(chunk)
    return [torch.cat(part).sort().values for part in parts]
