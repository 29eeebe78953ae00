"""Labelled images that are decoded when they are read, in batches and ahead of time."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from PIL import Image

from reason import progress
from reason.data.labelled.ahead import in_order
from reason.errors import BrokenImageError, DatasetError, ReasonError, UnsupportedImageError, first_line

Prepare = Callable[[Image.Image], torch.Tensor]
"""From a picture to the pixels that are kept of it, all of one shape; such as ``Preprocessing.pixels``."""


class Pictures(ABC):
    """Where images are read from, by their place, 0 to n - 1; several threads read at once."""

    @abstractmethod
    def read(self, place: int, name: str) -> Image.Image:
        """Return one image as 8-bit RGB, upright.

        Args:
            place: which.
            name: how errors call it.

        Raises:
            UnsupportedImageError: it is in no format that is read.
            BrokenImageError: it is damaged, or has gone.
            DatasetError: it is no image at all.
        """

    def file_digest(self, place: int) -> str | None:
        """Return the SHA-256 of the image's file; ``None`` where there is no file, or it cannot be read."""
        return None


@dataclass(frozen=True, slots=True)
class Batch:
    """Neighbouring images, without those that could not be decoded."""

    rows: torch.Tensor
    """int64 ``[b]``: rows of the ``LabelledImages`` that they came from."""
    sources: tuple[str, ...]
    """Name of each image."""
    images: list[Image.Image]
    """RGB, upright; empty where ``pixels`` were asked for."""
    pixels: torch.Tensor | None
    """``[b, ...]``: what ``prepare`` made of each; ``None`` without it, and where no image could be decoded."""
    digests: tuple[str, ...]
    """SHA-256 of size and RGB pixels of each image."""
    skipped: tuple[str, ...]
    """A sentence for each image of the batch that could not be decoded."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Content:
    """What was found when images were decoded, shared by everything that is taken of the same ones."""

    digests: dict[int, str] = field(default_factory=dict)
    """SHA-256 of the pixels, by place."""
    problems: dict[int, str] = field(default_factory=dict)
    """Why it could not be decoded, by place."""


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Images with labels, of which only a few are in memory at any time."""

    labels: torch.Tensor
    """True classes, int64 ``[n]``: indices into ``classes``."""
    sources: tuple[str, ...]
    """Name of each image, unique."""
    classes: tuple[str, ...]
    """Names of the classes, in the order of the classifier's outputs."""
    pictures: Pictures
    """Where they are read from."""
    places: torch.Tensor
    """int64 ``[n]``: place of each image among the pictures."""
    content: Content = field(default_factory=Content)
    """What is known of the pixels."""
    groups: tuple[str, ...] = ()
    """Name of each image's group, of which all stay in one part, as those of one patient; empty without groups."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: torch.Tensor) -> LabelledImages:
        """Return the images at these rows, int64 ``[m]``, in this order."""
        listed = rows.tolist()
        return replace(
            self,
            labels=self.labels[rows],
            sources=tuple(self.sources[row] for row in listed),
            places=self.places[rows],
            groups=tuple(self.groups[row] for row in listed) if self.groups else (),
        )

    def batches(self, size: int, prepare: Prepare | None = None) -> Iterator[Batch]:
        """Read all images in order, while threads decode the next batch.

        Memory holds the batch, one more that is ahead, and a picture a thread. Without ``prepare`` those are decoded
        pictures at full size; give it wherever pixels are enough.

        Args:
            size: images of a batch, those that cannot be decoded included; at least 1.
            prepare: called in the threads with each picture.

        Raises:
            DatasetError: a data set gives something that is no picture, or fails.
        """
        read = in_order(lambda row: self._read(row, prepare), range(len(self)), ahead=size, weigh=_weight)
        items: list[_Item] = []
        for row, item in enumerate(read):
            items.append(item)
            if len(items) == size or row == len(self) - 1:
                yield self._batch(items, row + 1 - len(items))
                items = []

    def file_digests(self) -> tuple[str | None, ...]:
        """Return the SHA-256 of each image's file; ``None`` for what is no file, or cannot be read."""
        return tuple(map(self.pictures.file_digest, self.places.tolist()))

    def digests(self) -> tuple[str | None, ...]:
        """Return the SHA-256 of size and pixels of each image; ``None`` for those that cannot be decoded.

        All images are decoded once, behind a progress bar; what is known already is not decoded again.
        """
        self._read_all([row for row, place in enumerate(self.places.tolist()) if not self._known(place)])
        return tuple(self.content.digests.get(place) for place in self.places.tolist())

    def problems(self) -> tuple[str, ...]:
        """Return a sentence for each image that cannot be decoded; all are decoded once, as by ``digests``."""
        self.digests()
        return tuple(p for place in self.places.tolist() if (p := self.content.problems.get(place)) is not None)

    def _known(self, place: int) -> bool:
        return place in self.content.digests or place in self.content.problems

    def _read_all(self, rows: Sequence[int]) -> None:
        if not rows:
            return
        work = in_order(lambda row: replace(self._read(row, None), image=None), rows, ahead=256, weigh=_weight)
        with progress.bar("look at all images", unit="images") as bar:
            bar.set(0, len(rows))
            for _ in work:
                bar.advance(1)

    def _read(self, row: int, prepare: Prepare | None) -> _Item:
        """Decode one image in a thread; remember what is found."""
        place, name = int(self.places[row]), self.sources[row]
        try:
            image = self.pictures.read(place, name)
        except (BrokenImageError, UnsupportedImageError) as error:
            self.content.problems[place] = str(error)
            return _Item(problem=str(error))
        except ReasonError:
            raise
        except Exception as error:
            raise failed(name, error) from error
        digest = self.content.digests[place] = pixel_digest(image)
        self.content.problems.pop(place, None)  # it may have been read in vain before
        return _Item(digest, image) if prepare is None else _Item(digest, pixels=prepare(image))

    def _batch(self, items: Sequence[_Item], first: int) -> Batch:
        good = [(first + offset, item) for offset, item in enumerate(items) if item.problem is None]
        pixels = [item.pixels for _, item in good if item.pixels is not None]
        return Batch(
            rows=torch.tensor([row for row, _ in good], dtype=torch.int64),
            sources=tuple(self.sources[row] for row, _ in good),
            images=[item.image for _, item in good if item.image is not None],
            pixels=_stacked(pixels) if pixels else None,
            digests=tuple(item.digest for _, item in good),
            skipped=tuple(item.problem for item in items if item.problem is not None),
        )


@dataclass(frozen=True, slots=True)
class _Item:
    """What became of one image."""

    digest: str = ""
    image: Image.Image | None = None
    pixels: torch.Tensor | None = None
    problem: str | None = None


def failed(name: str, error: Exception) -> DatasetError:
    """Return the error for an image that a data set fails to give for a reason of its own."""
    said = f"{type(error).__name__}: {first_line(error)}"
    return DatasetError(f"{name}: the data set fails to give it ({said}); mend the data set.")


def pixel_digest(image: Image.Image) -> str:
    """Return a SHA-256 of size and pixels of an RGB image."""
    digest = hashlib.sha256(f"{image.width} {image.height}".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def _weight(item: _Item) -> int:
    """Return how many bytes an item keeps."""
    if item.pixels is not None:
        return item.pixels.nbytes
    return 4 * item.image.width * item.image.height if item.image else 0  # Pillow pads RGB to four bytes


def _stacked(pixels: Sequence[torch.Tensor]) -> torch.Tensor:
    """Stack without PyTorch's own threads, which wait in busy loops for cores that the workers use."""
    return torch.from_numpy(np.stack([each.numpy() for each in pixels]))
