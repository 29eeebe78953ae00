"""Smooth random fields and filters over frequencies, which several families share."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reason.data.corruptions.base import Dice


def waves(images: Tensor, dice: Dice, *, count: int, cycles: float) -> Tensor:
    """Return a smooth random field of about mean 0 and standard deviation 1: a sum of cosines with drawn directions.

    The field is drawn over the picture, not over its pixels, so that it looks alike at every size.

    Args:
        images: ``[n, c, h, w]``; only its shape counts.
        dice: source of the waves.
        count: number of cosines.
        cycles: most cycles of one wave along a side of the picture.

    Returns:
        float64 ``[n, 1, h, w]``.
    """
    draws = dice.uniform(count, 3)[..., None]
    frequency, phase = (2 * draws[:, :, :2] - 1) * cycles, draws[:, :, 2]
    x, y = (
        (torch.arange(length, device=images.device, dtype=draws.dtype) + 0.5) / length
        for length in (images.shape[3], images.shape[2])
    )
    along = math.tau * (frequency[:, :, 0] * x + phase)
    down = math.tau * frequency[:, :, 1] * y
    summed = down.cos().mT @ along.cos() - down.sin().mT @ along.sin()
    return summed[:, None] * math.sqrt(2 / count)


def directions(dice: Dice) -> tuple[Tensor, Tensor]:
    """Return cosine and sine, each ``[n, 1, 1, 1]``, of an angle drawn uniformly from the full circle."""
    angle = dice.uniform(1, 1, 1) * math.tau
    return angle.cos(), angle.sin()


def frequencies(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the frequencies that ``filtered`` weights, in cycles per pixel: along x ``[w + 1]`` and y ``[2h, 1]``."""
    height, width = images.shape[2:]
    x = torch.fft.rfftfreq(2 * width, device=images.device, dtype=images.dtype)
    y = torch.fft.fftfreq(2 * height, device=images.device, dtype=images.dtype)
    return x, y[:, None]


def filtered(images: Tensor, response: Tensor) -> Tensor:
    """Multiply the spectrum of the images by a real response ``[n, 1, 2h, w + 1]``; the borders are mirrors."""
    height, width = images.shape[2:]
    wide = torch.cat([images, images.flip(3)], dim=3)
    mirrored = torch.cat([wide, wide.flip(2)], dim=2)
    spectrum = torch.fft.rfft2(mirrored) * response
    result: Tensor = torch.fft.irfft2(spectrum, s=mirrored.shape[2:])
    return result[:, :, :height, :width]
