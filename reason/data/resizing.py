"""How a picture of any size becomes a square: as the libraries that classifiers are trained with do it, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps

from reason.errors import BrokenImageError

Fit = Literal["squash", "crop", "pad"]
Interpolation = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
Resampler = Literal["pillow", "torchvision"]
Centre = Literal["round", "floor"]

TORCHVISION: tuple[Interpolation, ...] = ("nearest", "bilinear", "bicubic")
"""What torchvision's resizing of tensors knows of the interpolations."""

MOST_PIXELS = 40_000_000
"""Largest width x height of a picture after it was resized: the long side of a strip would take any memory."""


def sides(fit: Fit, resize: int, width: int, height: int) -> tuple[int, int]:
    """Return width and height that a picture is resized to, before its middle is cut out or it is padded.

    Rounded as torchvision (``crop``) and timm (``pad``) do it.

    Raises:
        BrokenImageError: the picture is a strip that would become too large.
    """
    if fit == "squash":
        return resize, resize
    if fit == "pad":
        ratio = max(height / resize, width / resize)
        return max(1, round(width / ratio)), max(1, round(height / ratio))
    short, long = sorted((width, height))
    grown = int(resize * long / short)
    if resize * grown > MOST_PIXELS:
        raise BrokenImageError(f"a picture of {width} x {height} pixels is too narrow to be resized; send a wider one.")
    return (resize, grown) if width <= height else (grown, resize)


def resized(image: Image.Image, width: int, height: int, how: Interpolation, resampler: Resampler) -> Image.Image:
    """Return the picture in another size, by Pillow or by torchvision's tensors with antialiasing."""
    if resampler == "pillow":
        return image.resize((width, height), Image.Resampling[how.upper()])
    # Importing torchvision takes longer than judging a picture, and most classifiers do without.
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional

    pixels = torch.from_numpy(np.array(image)).reshape(image.height, image.width, -1).permute(2, 0, 1).contiguous()
    smaller = functional.resize(pixels, [height, width], InterpolationMode[how.upper()], antialias=True)
    return Image.fromarray(np.ascontiguousarray(smaller.permute(1, 2, 0).squeeze(2).numpy()))


def middle(image: Image.Image, size: int, fill: tuple[int, ...], centre: Centre) -> Image.Image:
    """Return the square in the middle, or the picture in the middle of a square of colour ``fill``."""
    if image.width < size or image.height < size:
        left, top = max(0, size - image.width) // 2, max(0, size - image.height) // 2
        right, bottom = max(0, size - image.width) - left, max(0, size - image.height) - top
        image = ImageOps.expand(image, (left, top, right, bottom), fill if len(fill) > 1 else fill[0])
    left, top = (_STARTS[centre]((side - size) / 2) for side in image.size)
    return image.crop((left, top, left + size, top + size))


_STARTS: Mapping[Centre, Callable[[float], int]] = {"round": round, "floor": int}
