"""Blur: fine detail is averaged away."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reason.data.corruptions.base import Dice, between, corruption, per_image, scale
from reason.data.corruptions.fields import directions, filtered, frequencies


@corruption("blur", "Averages under a Gaussian of standard deviation 0.2 to 4 px.")
def gaussian_blur(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Average under a Gaussian."""
    x, y = frequencies(images)
    sigma = per_image(between(0.2, 4, severity)) * scale(images)
    return filtered(images, torch.exp(-2 * (math.pi * sigma) ** 2 * (x**2 + y**2)))


@corruption("blur", "Averages over a disc of radius 0.2 to 6 px.")
def defocus_blur(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Average over a disc, as a lens that is out of focus does.

    The spectrum of a disc of radius r is 2 * J1(t) / t at t = 2 * pi * r * frequency.
    """
    x, y = frequencies(images)
    radius = per_image(between(0.2, 6, severity)) * scale(images)
    t = math.tau * radius * (x**2 + y**2).sqrt()
    return filtered(images, torch.where(t == 0, 1, 2 * torch.special.bessel_j1(t) / t))


@corruption("blur", "Averages along a line of random direction, 0.5 to 16 px long.")
def motion_blur(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Average along a line of drawn direction, as a camera that moves does; the spectrum of a line is a sinc."""
    x, y = frequencies(images)
    cosine, sine = directions(dice)
    length = per_image(between(0.5, 16, severity)) * scale(images)
    return filtered(images, torch.sinc(length * (x * cosine + y * sine)))
