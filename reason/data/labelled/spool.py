"""Images that can be read only once, kept in a temporary file so that they can be read again."""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import IO, NamedTuple

import torch
from PIL import Image

from reason import progress
from reason.data.labelled.classes import index_labels
from reason.data.labelled.conversion import picture_of
from reason.data.labelled.datasets import label_of, pair_of
from reason.data.labelled.images import Content, LabelledImages, Pictures, pixel_digest
from reason.errors import BrokenImageError, DatasetError, UnsupportedImageError


class _Place(NamedTuple):
    """Where the RGB pixels of an image lie."""

    start: int
    width: int
    height: int


class SpooledPictures(Pictures):
    """Pictures in a temporary file without a name, uncompressed; it goes with the process, however that ends."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="reason-")  # noqa: SIM115 (lives with this)
        weakref.finalize(self, self._file.close)
        self._places: list[_Place] = []
        self._end = 0
        self._lock = threading.Lock()

    def add(self, image: Image.Image) -> None:
        """Keep one more RGB image.

        Raises:
            DatasetError: the disk is full.
        """
        data = image.tobytes()
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise DatasetError(
                f"the images cannot be kept in {tempfile.gettempdir()} ({error.strerror}); give TMPDIR a folder with "
                f"room, or give images that can be read again."
            ) from None
        self._places.append(_Place(self._end, image.width, image.height))
        self._end += len(data)

    def read(self, place: int, name: str) -> Image.Image:
        """Return one image; see ``Pictures``."""
        start, width, height = self._places[place]
        with self._lock:
            self._file.seek(start)
            data = self._file.read(3 * width * height)
        return Image.frombytes("RGB", (width, height), data)


def spool(pairs: Iterable[object], classes: Sequence[str] | None = None) -> LabelledImages:
    """Read pairs of an image and its label once, and keep them in a temporary file.

    An image that cannot be decoded is left out, and a line says so.

    Raises:
        DatasetError: there are none, or one is no such pair.
    """
    pictures, content = SpooledPictures(), Content()
    labels: list[int | str] = []
    sources: list[str] = []
    with progress.bar("read images", unit="images") as bar:
        for number, item in enumerate(pairs):
            name = f"{number:06d}"
            image, label = pair_of(item, name)
            try:
                picture = picture_of(image, name)
            except (BrokenImageError, UnsupportedImageError) as error:
                progress.say(f"left out: {error}")
                continue
            pictures.add(picture)
            content.digests[len(labels)] = pixel_digest(picture)
            labels.append(label_of(label, name))
            sources.append(name)
            bar.advance(1)
    if not labels:
        raise DatasetError("the data give no image; give pairs (image, label). An iterator can be read only once.")
    numbers, names = index_labels(labels, (), classes, "the data")  # type: ignore[arg-type]
    return LabelledImages(numbers, tuple(sources), names, pictures, torch.arange(len(labels)), content)
