"""Geometry: the picture is turned, moved or bent."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from reason.data.corruptions.base import Dice, between, centred, corruption, per_image, scale
from reason.data.corruptions.fields import directions, waves

FARTHEST_SHIFT = 3
"""Largest published shift along an axis, in pixels of a 28 px picture."""


@corruption("geometry", "Turns by 20 to 80 degrees counter-clockwise; what comes in is black.")
def rotate(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Turn by 20 + 60 * severity degrees counter-clockwise about the centre, bilinear, black outside, as published."""
    x, y = centred(images)
    angle = per_image(torch.deg2rad(between(20, 80, severity)))
    return _sample(images, x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos())


@corruption("geometry", "Moves by whole pixels, from 0 up to 3 px on each axis; edge pixels are repeated.")
def shift(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Move by one of the 49 whole offsets in [-3, 3] x [-3, 3] px, repeating the pixels at the edge.

    The published shift is uniform over the 49 offsets whatever the severity. Here they are sorted by length, equally
    long ones in an order drawn for each image, and severity picks the quantile. Uniform severities therefore give the
    published distribution, and a larger severity moves farther.
    """
    height, width = images.shape[2:]
    dx, dy = (_chosen_offset(severity, dice) * scale(images)).round().long().unbind(dim=1)
    columns = (torch.arange(width, device=images.device) - dx[:, None]).clamp(0, width - 1)
    rows = (torch.arange(height, device=images.device) - dy[:, None]).clamp(0, height - 1)
    image = torch.arange(len(images), device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _chosen_offset(severity: Tensor, dice: Dice) -> Tensor:
    """Return (dx, dy) of each image in pixels of a 28 px picture, float64 ``[n, 2]``."""
    reach = torch.arange(-FARTHEST_SHIFT, FARTHEST_SHIFT + 1, device=severity.device, dtype=severity.dtype)
    offsets = torch.cartesian_prod(reach, reach)
    squared_length = offsets.square().sum(dim=1)
    order = (squared_length + dice.uniform(len(offsets))).argsort(dim=1)  # ties only: squared lengths are whole
    rank = (severity * len(offsets)).long().clamp(max=len(offsets) - 1)
    return offsets[order.gather(1, rank[:, None])[:, 0]]


@corruption("geometry", "Slants by 0.05 to 1.6 px a px, in a random direction.")
def shear(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Slide lines of drawn direction along themselves, in proportion to their distance from the centre."""
    x, y = centred(images)
    cosine, sine = directions(dice)
    slide = per_image(between(0.05, 1.6, severity)) * (cosine * y - sine * x)
    return _sample(images, x + slide * cosine, y + slide * sine)


@corruption("geometry", "Tilts in a random direction, and shrinks, by 2 to 70 percent.")
def perspective(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Tilt the picture about its centre, the side of drawn direction away from the viewer, and move it away as much."""
    height, width = images.shape[2:]
    x, y = centred(images)
    cosine, sine = directions(dice)
    tilt = per_image(between(0.02, 0.7, severity))
    nearness = (1 - tilt * (cosine * x * (2 / width) + sine * y * (2 / height))) / (1 + tilt)
    return _sample(images, x / nearness, y / nearness)


@corruption("geometry", "Moves points by a smooth random field of typically 0.1 to 3.5 px.")
def elastic(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Move every point by a smooth random field."""
    x, y = centred(images)
    reach = per_image(between(0.1, 3.5, severity)) * scale(images)
    along, down = (reach * waves(images, dice, count=12, cycles=3) for _ in range(2))
    return _sample(images, x + along, y + down)


def _sample(images: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Read the images bilinearly at x and y ``[n, 1, h, w]``, in pixels from the middle; outside them is black."""
    height, width = images.shape[2:]
    grid = torch.stack([x[:, 0] * (2 / width), y[:, 0] * (2 / height)], dim=3)
    return functional.grid_sample(images, grid, align_corners=False)
