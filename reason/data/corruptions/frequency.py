"""Frequency: fine or coarse structure is lost, or a regular pattern is added."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reason.data.corruptions.base import Dice, between, centred, corruption, per_image, scale
from reason.data.corruptions.fields import directions, filtered, frequencies

HIGH_PASS_SIGMA = 1.0
"""Standard deviation of the blur that a high-pass subtracts, in pixels of a 28 px picture."""


@corruption(
    "frequency",
    "Removes waves shorter than a limit that grows from two pixels of any picture (nothing) to 20 px (nearly all).",
)
def low_pass(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Keep only long waves, with an edge as sharp as a Butterworth filter of order 8.

    The cut-off falls geometrically from the finest wave that the pixels can hold to one of 20 px.
    """
    x, y = frequencies(images)
    longest = 20 * scale(images)
    cutoff = 0.5 * per_image((2 / longest) ** severity)
    return filtered(images, 1 / (1 + ((x**2 + y**2).sqrt() / cutoff) ** 16))


@corruption("frequency", "Replaces 5 to 100 percent of all structure coarser than about 1 px by mid-grey.")
def high_pass(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Replace a share of the coarse structure, which a Gaussian blur keeps, by mid-grey."""
    x, y = frequencies(images)
    sigma = HIGH_PASS_SIGMA * scale(images)
    coarse = filtered(images, torch.exp(-2 * (math.pi * sigma) ** 2 * (x**2 + y**2)))
    return images + per_image(between(0.05, 1, severity)) * (0.5 - coarse)


@corruption("frequency", "Adds stripes 4 to 10 px apart in a random direction, 0.03 to 0.9 of full white strong.")
def stripes(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Add a sine wave of drawn direction, phase and length (4 to 10 px)."""
    x, y = centred(images)
    cosine, sine = directions(dice)
    draws = dice.uniform(2, 1, 1, 1)
    wavelength = (4 + 6 * draws[:, 0]) * scale(images)
    phase = math.tau * ((cosine * x + sine * y) / wavelength + draws[:, 1])
    return images + per_image(between(0.03, 0.9, severity)) * phase.sin()
