"""Views: the same picture seen otherwise, which a sound prediction survives.

They are smaller than the picture, so that all of them together cost about half a pass through the base classifier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional

SHRUNK_SIDE = 0.4
"""Side of the shrunk picture, as a share of the picture's own."""

CLOSE_SIDE = 0.6
"""Side of what the close view keeps, as a share of the picture's own."""


def shrunk(images: Tensor) -> Tensor:
    """Average blocks of pixels until the side is ``SHRUNK_SIDE`` of what it was: fine detail and noise go."""
    return functional.interpolate(images, size=_side(images, SHRUNK_SIDE), mode="area")


def close(images: Tensor) -> Tensor:
    """Keep the middle, mirrored: the surroundings go, and the object may be cut."""
    side = _side(images, CLOSE_SIDE)
    top, left = ((length - side) // 2 for length in images.shape[2:])
    return images[:, :, top : top + side, left : left + side].flip(3)


def _side(images: Tensor, share: float) -> int:
    return max(1, round(share * min(images.shape[2:])))


VIEWS: Mapping[str, Callable[[Tensor], Tensor]] = {"shrunk": shrunk, "close": close}
"""By name: from standardised images ``[n, channels, h, w]`` to smaller ones."""
