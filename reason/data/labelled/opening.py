"""Whatever holds labelled images, opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reason.data.image_set import ImageSet
from reason.data.labelled.classes import index_labels, read_classes
from reason.data.labelled.datasets import ArrayPairs, MapStyle, read_dataset, read_image_set
from reason.data.labelled.files import read_class_folders
from reason.data.labelled.images import LabelledImages
from reason.data.labelled.spool import spool
from reason.data.labelled.tables import DELIMITED, PARQUET, read_table
from reason.data.labelled.torchvision_sets import PREFIX, read_torchvision
from reason.errors import DatasetError


def open_labelled(data: object, *, classes: Sequence[str] | Path | str | None = None) -> LabelledImages:
    """Open labelled images; they are decoded when they are read.

    Args:
        data: one of

            - a folder with one subfolder a class;
            - a ``.csv``, ``.tsv`` or ``.parquet`` file of paths and labels;
            - ``torchvision:NAME@FOLDER``;
            - a torch ``Dataset`` or any sequence of pairs (image, label), an ``ImageSet``, or ``LabelledImages``;
            - a pair of arrays or tensors, of all images and of all labels;
            - any other iterable of such pairs; it is read once, into a temporary file.

            An image is a Pillow image, a path or the bytes of a file, a uint8 array or tensor (``[h, w, 3]``,
            ``[3, h, w]``, ``[1, h, w]``, ``[h, w]``), or a tensor of floats in [0, 1]. A label is a name or an index.
        classes: names of the classes in the order of the classifier's outputs, or a file of them: one a line, or a
            JSON list. By default the data's own order, else that of the alphabet.

    Raises:
        DatasetError: it is none of these, or something is wrong with it: missing, empty, labels that are none of the
            classes, one class only, standardised images.
    """
    names = _names(classes) if classes else None
    if isinstance(data, str) and data.startswith(PREFIX):
        return read_torchvision(data, names)
    if isinstance(data, str | Path):
        return _open_path(Path(data), names)
    return _open_object(data, names)


def _names(classes: Sequence[str] | Path | str) -> tuple[str, ...]:
    return read_classes(Path(classes)) if isinstance(classes, str | Path) else tuple(classes)


def _open_path(path: Path, classes: Sequence[str] | None) -> LabelledImages:
    if path.is_dir():
        return read_class_folders(path, classes)
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder of labelled images; check the path.")
    if path.suffix.lower() in (*DELIMITED, *PARQUET):
        return read_table(path, classes)
    raise DatasetError(
        f"{path}: no labelled images; give a folder with one subfolder a class, a table that ends in .csv or .parquet, "
        f"or {PREFIX}NAME@FOLDER."
    )


def _open_object(data: Any, classes: Sequence[str] | None) -> LabelledImages:
    if isinstance(data, LabelledImages):
        return data if classes is None or tuple(classes) == data.classes else _reordered(data, classes)
    if isinstance(data, ImageSet):
        return read_image_set(data, classes)
    if type(data).__name__ == "DataLoader":
        raise DatasetError("a DataLoader gives batches; give its data set (loader.dataset) instead.")
    if isinstance(data, tuple) and len(data) == 2 and isinstance(data[0], np.ndarray | torch.Tensor):
        return read_dataset(ArrayPairs(*data), classes)
    # Torch's iterable data sets inherit __getitem__, and some have a length.
    if isinstance(data, MapStyle) and not isinstance(data, dict | torch.utils.data.IterableDataset):
        return read_dataset(data, classes)
    if isinstance(data, Iterable):
        return spool(data, classes)
    raise DatasetError(
        f"{type(data).__name__} holds no labelled images; give a folder, a table or pairs (image, label)."
    )


def _reordered(images: LabelledImages, classes: Sequence[str]) -> LabelledImages:
    labels, names = index_labels(images.labels.tolist(), images.classes, classes, "the images")
    return replace(images, labels=labels, classes=names)
