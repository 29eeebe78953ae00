"""Occlusion: parts of the picture are hidden."""

from __future__ import annotations

import torch
from torch import Tensor

from reason.data.corruptions.base import Dice, between, centred, corruption, per_image, scale

HOLE_PERIOD = 7
"""Distance between holes, in pixels of a 28 px picture."""


@corruption("occlusion", "Blackens a square of half-side 6 to 18 px around a random pixel.")
def occlude(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Blacken a square of half-side int(6 + 12 * severity) px around a uniformly drawn pixel, as published.

    The published description calls the half-side a radius; its code blackens the square [c - half, c + half) on both
    axes, cut at the border, and so does this.
    """
    height, width = images.shape[2:]
    half = per_image((between(6, 18, severity) * scale(images)).floor())
    centre = dice.uniform(2)
    x, y = per_image((centre[:, 0] * width).floor()), per_image((centre[:, 1] * height).floor())
    columns = torch.arange(width, device=images.device)
    rows = torch.arange(height, device=images.device)[:, None]
    hidden = (x - half <= columns) & (columns < x + half) & (y - half <= rows) & (rows < y + half)
    return images.masked_fill(hidden, 0)


@corruption("occlusion", "Blackens squares 7 px apart whose sides are 0.7 to 6.3 px.")
def holes(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Blacken squares on a regular grid, one every 7 px on both axes, whose place is drawn."""
    period = HOLE_PERIOD * scale(images)
    side = per_image(between(0.1, 0.9, severity))
    draws = dice.uniform(2, 1, 1, 1)
    x, y = ((axis / period + draws[:, number]) % 1 for number, axis in enumerate(centred(images)))
    return images.masked_fill((x < side) & (y < side), 0)
