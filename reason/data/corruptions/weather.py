"""Weather and wear: something lies between the camera and the scene."""

from __future__ import annotations

from torch import Tensor

from reason.data.corruptions.base import Dice, between, centred, corruption, per_image, scale
from reason.data.corruptions.fields import directions, waves

SCRATCHES = 14
"""Number of scratches at severity 1."""


@corruption("weather", "Mixes with patchy white fog, at most 5 to 100 percent thick.")
def fog(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Mix with white; the fog is thicker in some places than in others."""
    thickness = 0.8 + 0.2 * waves(images, dice, count=12, cycles=3).tanh()
    share = per_image(between(0.05, 1, severity**2)) * thickness
    return images * (1 - share) + share


@corruption("weather", "Draws 1 to 14 random black or white lines, 1 px wide.")
def scratches(images: Tensor, severity: Tensor, dice: Dice) -> Tensor:
    """Draw straight lines one px wide, each black or white, all across the picture; one after the other fades in."""
    x, y = centred(images)
    radius = min(images.shape[2:]) / 2
    width = max(1.0, scale(images))
    visible = per_image(between(1, SCRATCHES, severity))
    result = images
    for number in range(SCRATCHES):
        cosine, sine = directions(dice)
        offset, shade = dice.uniform(2, 1, 1, 1).unbind(dim=1)
        distance = (cosine * x + sine * y - offset * radius).abs()
        opacity = (width / 2 + 0.5 - distance).clamp(0, 1) * (visible - number).clamp(0, 1)
        result = result * (1 - opacity) + opacity * (shade < 0.5)
    return result
