"""Labelled image sets in memory, and their split into disjoint parts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import joblib
import torch
from PIL import Image
from torchvision import datasets as torchvision_datasets

from reason.errors import DatasetError, ReasonError
from reason.images import Preprocessing, decode

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
    skipped: tuple[str, ...] = ()
    """Sentences about images that could not be decoded, and were left out."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: torch.Tensor) -> ImageSet:
        """Return the images at these indices."""
        sources = tuple(self.sources[row] for row in rows.tolist())
        return ImageSet(self.pixels[rows], self.labels[rows], sources, self.classes)

    def fingerprint(self) -> str:
        """Return a SHA-256 over the names, the labels and the decoded pixels."""
        digest = hashlib.sha256("\n".join(self.sources).encode())
        digest.update(self.labels.numpy().tobytes())
        digest.update(self.pixels.numpy().tobytes())
        return digest.hexdigest()


Part = Literal["train", "test"]
Progress = Callable[[Iterable[Path]], Iterable[Path]]


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
            f"Imagenette was not found in {folder}; add --download to fetch it there, "
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


READERS: dict[str, Callable[..., ImageSet]] = {"imagenette": read_imagenette}
"""Data sets by the name that recipes use."""


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
