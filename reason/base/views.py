"""Views: the same picture seen otherwise, which a sound prediction survives.

They are smaller than the picture: together they have about half of its pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional

SIDES: Mapping[str, float] = {"shrunk": 0.4, "middle": 0.6}
"""Side of each view as a share of the picture's; rounded to whole pixels, at least one."""


def shrunk(images: Tensor) -> Tensor:
    """Return square images with blocks of pixels averaged into one: fine detail and noise go."""
    return functional.interpolate(images, size=_side(images, "shrunk"), mode="area")


def middle(images: Tensor) -> Tensor:
    """Return the middle of square images, mirrored: the surroundings go, and the object may be cut."""
    side = _side(images, "middle")
    start = (images.shape[-1] - side) // 2
    return images[:, :, start : start + side, start : start + side].flip(3)


def _side(images: Tensor, name: str) -> int:
    return max(1, round(SIDES[name] * images.shape[-1]))


VIEWS: Mapping[str, Callable[[Tensor], Tensor]] = {"shrunk": shrunk, "middle": middle}
"""By name: from standardised square images ``[n, channels, side, side]`` to smaller ones."""
