"""Images of Python objects: torch data sets and other sequences, sets in memory, one-pass iterables, torchvision."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image

from reason import progress
from reason.data.image_set import ImageSet
from reason.data.images import to_picture
from reason.data.labelled.classes import index_labels
from reason.data.labelled.conversion import picture_of
from reason.data.labelled.images import Content, LabelledImages, Pictures, failed, pixel_digest
from reason.errors import BrokenImageError, DatasetError, ReasonError, first_line

IMAGE_KEYS, LABEL_KEYS = ("image", "img", "pixel_values"), ("label", "labels", "target")
"""What the fields of an item are called that is a mapping."""

TRIED = 3
"""Items that are read twice, to see whether a data set gives the same each time."""


@runtime_checkable
class MapStyle(Protocol):
    """What has a length and gives the pair (image, label) at an index, as torch's map-style data sets do."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


class DatasetPictures(Pictures):
    """Pictures of a map-style data set, which is asked by one thread at a time: few are safe for more.

    Args:
        data: the data set.
    """

    def __init__(self, data: MapStyle) -> None:
        self._data = data
        self._lock = threading.Lock()

    def read(self, place: int, name: str) -> Image.Image:
        """Return one image; see ``Pictures``."""
        return picture_of(self.item(place, name)[0], name)

    def item(self, place: int, name: str) -> tuple[Any, Any]:
        """Return image and label as the data set gives them.

        Raises:
            BrokenImageError: its file is damaged or has gone.
            DatasetError: the item is no pair.
        """
        with self._lock:
            try:
                item = self._data[place]
            except (OSError, SyntaxError) as error:  # as Pillow raises for damaged files
                raise BrokenImageError(f"{name}: cannot be read ({first_line(error)}).") from None
        return pair_of(item, name)


class ArrayPairs:
    """Images and labels in two arrays, as scikit-learn takes them.

    Args:
        images: array or tensor ``[n, ...]``.
        labels: ``[n]``; names or indices.

    Raises:
        DatasetError: there are not as many labels as images.
    """

    def __init__(self, images: Any, labels: Any) -> None:
        if len(images) != len(labels):
            raise DatasetError(f"the arrays hold {len(images)} images but {len(labels)} labels; give one label each.")
        self._images = images
        self.targets = labels.tolist() if isinstance(labels, torch.Tensor | np.ndarray) else list(labels)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._images[index], self.targets[index]


class MemoryPictures(Pictures):
    """Pictures that are in memory already.

    Args:
        pixels: uint8 ``[n, 1 or 3, h, w]``.
    """

    def __init__(self, pixels: torch.Tensor) -> None:
        self._pixels = pixels

    def read(self, place: int, name: str) -> Image.Image:
        """Return one image; see ``Pictures``."""
        return to_picture(self._pixels[place]).convert("RGB")


def pair_of(item: object, name: str) -> tuple[Any, Any]:
    """Return image and label of an item: a pair, or a mapping with such keys.

    Raises:
        DatasetError: it is neither.
    """
    if isinstance(item, Mapping):
        found = [next((key for key in keys if key in item), None) for keys in (IMAGE_KEYS, LABEL_KEYS)]
        if None not in found:
            return item[found[0]], item[found[1]]
        raise DatasetError(f"{name}: a mapping with the keys {', '.join(map(str, item))}; give it image and label.")
    if isinstance(item, tuple | list) and len(item) == 2:
        return item[0], item[1]
    raise DatasetError(f"{name}: {type(item).__name__} is no pair of an image and its label; give (image, label).")


def label_of(label: object, name: str) -> int | str:
    """Return a label as a name or an index.

    Raises:
        DatasetError: it is neither.
    """
    if isinstance(label, str):
        return label
    try:
        number = float(label)  # type: ignore[arg-type]  # arrays and tensors of one number too
        if number.is_integer() and not isinstance(label, bool):
            return int(number)
    except (TypeError, ValueError, RuntimeError):
        pass
    raise DatasetError(f"{name}: its label is no class but {str(label)[:40]}; give a name or an index.")


def read_image_set(images: ImageSet, classes: Sequence[str] | None = None) -> LabelledImages:
    """Take the images of a set in memory, which stay there.

    Raises:
        DatasetError: its labels are none of the classes.
    """
    labels, names = index_labels(images.labels.tolist(), images.classes, classes, "the image set")
    return LabelledImages(labels, images.sources, names, MemoryPictures(images.pixels), torch.arange(len(images)))


def read_dataset(data: MapStyle, classes: Sequence[str] | None = None) -> LabelledImages:
    """Take the images of a map-style data set, such as those of torchvision; they are read when they are needed.

    Labels are those of ``targets`` or ``labels`` where the data set has them and its first items agree, else those of
    its items, which are then all read once. Class names are those of ``classes`` where the data set has them.

    Raises:
        DatasetError: it is empty, an item is no pair of a picture and a label, or an item changes between two calls.
    """
    kind = type(data).__name__
    if len(data) == 0:
        raise DatasetError(f"the data set {kind} is empty; give labelled images.")
    sources = tuple(f"{kind}/{place:06d}" for place in range(len(data)))
    pictures, content = DatasetPictures(data), Content()
    first = _try(pictures, sources, content)
    known = _known_labels(data)
    if known is None or any(label_of(known[place], sources[place]) != label for place, label in first.items()):
        known = _read_labels(pictures, sources)
    labels = [label_of(label, source) for label, source in zip(known, sources, strict=True)]
    numbers, names = index_labels(labels, _known_names(data), classes, f"the data set {kind}")  # type: ignore[arg-type]
    return LabelledImages(numbers, sources, names, pictures, torch.arange(len(data)), content)


def _try(pictures: DatasetPictures, sources: Sequence[str], content: Content) -> dict[int, int | str]:
    """Return the labels of the first items, which are read twice to see that they stay as they are."""
    labels = {}
    for place, source in enumerate(sources[:TRIED]):
        try:
            (image, label), again = pictures.item(place, source), pictures.item(place, source)
            digest = pixel_digest(picture_of(image, source))
            if digest != pixel_digest(picture_of(again[0], source)):
                raise DatasetError(f"{source}: is another picture at each call; take random transforms away.")
            labels[place] = label_of(label, source)
        except BrokenImageError:
            continue
        except ReasonError:
            raise
        except Exception as error:
            raise failed(source, error) from error
    return labels


def _read_labels(pictures: DatasetPictures, sources: Sequence[str]) -> list[Any]:
    with progress.bar("read labels", unit="images") as bar:
        return [pictures.item(place, sources[place])[1] for place in bar.over(range(len(sources)))]


def _known_labels(data: Any) -> Sequence[Any] | None:
    """Return the labels of all items, where a data set tells them without reading images."""
    if isinstance(data, torch.utils.data.Subset):
        inner = _known_labels(data.dataset)
        return None if inner is None else [inner[int(place)] for place in data.indices]
    for name in ("targets", "labels"):
        found: Any = getattr(data, name, None)
        labels = found.tolist() if isinstance(found, torch.Tensor | np.ndarray) else found
        if isinstance(labels, list | tuple) and len(labels) == len(data):
            return labels
    return None


def _known_names(data: Any) -> tuple[str, ...]:
    if isinstance(data, torch.utils.data.Subset):
        return _known_names(data.dataset)
    names = getattr(data, "classes", None)
    whole = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    return tuple(names) if whole and names else ()
