"""Digital: what storing and sending pictures with too few bits does."""

from __future__ import annotations

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from reason.data.corruptions.base import Dice, corruption, per_image, scale


@corruption("digital", "Compresses with JPEG of quality 50 down to 1.")
def jpeg(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Compress with JPEG and decompress; the quality falls geometrically, and its blocks have 8 pixels at any size."""
    quality = (50 ** (1 - severity)).round().int().tolist()
    return torch.stack([_through_jpeg(image, each) for image, each in zip(images, quality, strict=True)])


def _through_jpeg(image: Tensor, quality: int) -> Tensor:
    """Return ``[c, h, w]``; as colour if it has three channels, otherwise each channel by itself."""
    levels = (image * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    parts = [levels] if len(image) == 3 else np.moveaxis(levels, 2, 0)
    read = np.dstack([_read_back(part, quality) for part in parts])
    return torch.from_numpy(read).permute(2, 0, 1).to(image) / 255


def _read_back(levels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    coded = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(levels)).save(coded, "JPEG", quality=quality)
    return np.asarray(Image.open(coded))


@corruption("digital", "Averages over square cells, from one pixel to 9 px wide.")
def pixelate(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Average over square cells; their side grows from one pixel, and a whole number of cells fills each side."""
    result = torch.empty_like(images)
    side = (9 * scale(images)) ** severity
    rows, columns = ((length / side).round().clamp(min=1).int() for length in images.shape[2:])
    for cells in torch.stack([rows, columns], dim=1).unique(dim=0).tolist():
        chosen = ((rows == cells[0]) & (columns == cells[1])).nonzero()[:, 0]
        result[chosen] = functional.interpolate(
            functional.adaptive_avg_pool2d(images[chosen], cells), images.shape[2:], mode="nearest-exact"
        )
    return result


@corruption("digital", "Rounds each value to one of 65 down to 2 levels.")
def quantise(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Round to a few levels, spread evenly from black to white; their number falls geometrically."""
    steps = per_image((64 ** (1 - severity)).round())
    return (images * steps).round() / steps
