"""Lighting: the picture is too bright, too dark, too flat or unevenly lit."""

from __future__ import annotations

import torch
from torch import Tensor

from reason.data.corruptions.base import Dice, between, centred, corruption, per_image
from reason.data.corruptions.fields import directions


@corruption("lighting", "Adds or subtracts (by chance) 0.05 to 0.9 of full white everywhere.")
def brightness(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Make every pixel brighter or darker by the same amount; which of them is drawn."""
    return images + _sign(dice) * per_image(between(0.05, 0.9, severity))


@corruption("lighting", "Shrinks the distance from the mean to 95 down to 4 percent.")
def contrast(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Pull every pixel towards the picture's mean."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + per_image(between(0.95, 0.04, severity)) * (images - mean)


@corruption("lighting", "Raises values to the power 1.1 to 8, or (by chance) its inverse.")
def gamma(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Raise every value to a power above 1 or to its inverse; which of them is drawn."""
    power = per_image(between(1.1, 8, severity))
    return images ** torch.where(_sign(dice) > 0, power, 1 / power)


@corruption(
    "lighting", "Adds 0.05 to 1.2 of full white on one side and subtracts it on the other, in a random direction."
)
def uneven_light(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Add a ramp of drawn direction: one side of the picture is lit, the opposite one lies in shadow."""
    height, width = images.shape[2:]
    x, y = centred(images)
    cosine, sine = directions(dice)
    ramp = cosine * x * (2 / width) + sine * y * (2 / height)
    return images + per_image(between(0.05, 1.2, severity)) * ramp


def _sign(dice: Dice) -> Tensor:
    return torch.where(dice.uniform(1, 1, 1) < 0.5, -1.0, 1.0)
