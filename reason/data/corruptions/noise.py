"""Noise: every pixel changes by chance."""

from __future__ import annotations

from torch import Tensor

from reason.data.corruptions.base import Dice, between, corruption, per_image


@corruption("noise", "Adds Gaussian noise of standard deviation 0.3 to 0.8 of full white.")
def noise(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Add Gaussian noise of standard deviation 0.3 + 0.5 * severity, as published."""
    return images + per_image(between(0.3, 0.8, severity)) * dice.normal(*images.shape[1:])


@corruption("noise", "Turns 1 to 35 percent of the pixels black and as many white.")
def salt_pepper(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Turn a share of the pixels black and as many white; those hit at a low severity stay hit at a high one."""
    each = per_image(between(0.01, 0.35, severity))
    draw = dice.uniform(1, *images.shape[2:])
    return images.masked_fill(draw < each, 0).masked_fill(draw >= 1 - each, 1)


@corruption("noise", "Multiplies each value by 1 plus Gaussian noise of standard deviation 0.1 to 2.5.")
def speckle(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Multiply each value by 1 plus Gaussian noise, so that bright parts suffer most."""
    return images * (1 + per_image(between(0.1, 2.5, severity)) * dice.normal(*images.shape[1:]))
