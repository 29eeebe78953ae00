"""From what data sets of all kinds hold to a picture: Pillow images, arrays, tensors, encoded files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from reason.data.images import decode, to_rgb
from reason.errors import BrokenImageError, DatasetError, first_line

_SHAPES = "[h, w, 3], [3, h, w], [1, h, w] or [h, w]"

SLACK = 1e-3
"""How far outside [0, 1] a float picture may lie; resampling overshoots a little."""


def picture_of(image: object, name: str) -> Image.Image:
    """Return anything that shows a picture as 8-bit RGB, upright.

    Args:
        image: a Pillow image; a path or the bytes of an encoded file; a uint8 array or tensor ``[h, w, 3]``,
            ``[3, h, w]``, ``[1, h, w]`` or ``[h, w]``, or one of floats in [0, 1], which are rounded to 8 bits.
        name: how errors call it.

    Raises:
        UnsupportedImageError: encoded bytes are in no format that is read.
        BrokenImageError: the image is damaged.
        DatasetError: it is nothing of this kind; floats leave [0, 1], as those of standardised images do.
    """
    if isinstance(image, Image.Image):
        return _rgb(image, name)
    if isinstance(image, bytes | Path | str):
        return decode(Path(image) if isinstance(image, str) else image, name=name)
    if isinstance(image, torch.Tensor):
        return _from_array(image.detach().cpu().numpy(), name, channels_first=True)
    if isinstance(image, np.ndarray):
        return _from_array(image, name, channels_first=False)
    raise DatasetError(
        f"{name}: {type(image).__name__} is no picture; give a Pillow image, a path, or an array or tensor of uint8 "
        f"or of floats in [0, 1]."
    )


def _rgb(image: Image.Image, name: str) -> Image.Image:
    try:
        return to_rgb(image)
    except Exception as error:  # files are read only now, and Pillow's plugins raise many types on damaged ones
        raise BrokenImageError(f"{name}: damaged or truncated ({first_line(error)}); replace it.") from None


def _from_array(array: NDArray[Any], name: str, *, channels_first: bool) -> Image.Image:
    last = _channels_last(array, name, channels_first)
    levels = _levels(last, name)
    return Image.fromarray(np.ascontiguousarray(levels)).convert("RGB")


def _channels_last(array: NDArray[Any], name: str, channels_first: bool) -> NDArray[Any]:
    """Return ``[h, w, 3]`` or ``[h, w]``; where both readings are possible, tensors have their channels first."""
    first = array.ndim == 3 and array.shape[0] in (1, 3)
    last = array.ndim == 3 and array.shape[2] in (1, 3)
    if 0 in array.shape or not (array.ndim == 2 or first or last):
        raise DatasetError(f"{name}: an array of shape {list(array.shape)} is no picture; give {_SHAPES}.")
    if first and (channels_first or not last):
        array = array.transpose(1, 2, 0)
    return array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array


def _levels(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise DatasetError(f"{name}: a picture of {array.dtype} numbers; give uint8, or floats in [0, 1].")
    lowest, highest = float(array.min()), float(array.max())
    if not (lowest >= -SLACK and highest <= 1 + SLACK):
        raise DatasetError(
            f"{name}: a picture of floats from {lowest:.3g} to {highest:.3g}; give pictures in [0, 1], and put mean "
            f"and std into the preprocessing instead of standardising before."
        )
    return np.asarray((array * 255).round().clip(0, 255).astype(np.uint8))
