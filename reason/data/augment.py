"""Batched random augmentation of uint8 images: no image is handled one at a time."""

from __future__ import annotations

import math

import torch
from torch.nn import functional


def resized(pixels: torch.Tensor, size: int, chunk: int = 512) -> torch.Tensor:
    """Return uint8 images ``[n, c, size, size]``, antialiased."""
    if pixels.shape[-1] == size:
        return pixels
    shrunk = [
        functional.interpolate(part.float(), (size, size), mode="bilinear", antialias=True)
        for part in pixels.split(chunk)
    ]
    return torch.cat([part.round().clamp(0, 255).byte() for part in shrunk])


def random_crops(
    pixels: torch.Tensor, size: int, generator: torch.Generator, *, smallest_area: float, mirror: bool = True
) -> torch.Tensor:
    """Cut one random crop from each image, mirror half of them, and resample to a square.

    The crop's area is uniform in [smallest_area, 1] and its aspect ratio log-uniform in [3/4, 4/3]; with a smallest
    area of 1 the whole picture is kept.

    Args:
        pixels: ``[n, c, h, w]``, any real type.
        size: side of the result in pixels.
        generator: source of randomness.
        smallest_area: smallest share of the picture that is kept.
        mirror: whether to mirror half of the crops.

    Returns:
        float32 ``[n, c, size, size]`` in the input's range.
    """
    n = len(pixels)
    area, ratio, x, y, flip = torch.rand(5, n, generator=generator)
    area = smallest_area + (1 - smallest_area) * area
    aspect = torch.exp((2 * ratio - 1) * (math.log(4 / 3) if smallest_area < 1 else 0.0))
    width = (area * aspect).sqrt().clamp(max=1)
    height = (area / aspect).sqrt().clamp(max=1)
    affine = torch.zeros(n, 2, 3)
    affine[:, 0, 0] = torch.where(flip < 0.5, -width, width) if mirror else width
    affine[:, 0, 2] = (2 * x - 1) * (1 - width)
    affine[:, 1, 1] = height
    affine[:, 1, 2] = (2 * y - 1) * (1 - height)
    affine = affine.to(pixels.device)
    grid = functional.affine_grid(affine, [n, pixels.shape[1], size, size], align_corners=False)
    return functional.grid_sample(pixels.float(), grid, padding_mode="reflection", align_corners=False)


def jittered(pixels: torch.Tensor, generator: torch.Generator, *, strength: float) -> torch.Tensor:
    """Change brightness, contrast and saturation of each image by random factors in [1 - s, 1 + s].

    Args:
        pixels: float32 ``[n, c, h, w]`` in [0, 255].
        generator: source of randomness.
        strength: ``s``, in [0, 1]; 0 changes nothing.
    """
    if strength == 0:
        return pixels
    factors = 1 + strength * (2 * torch.rand(3, len(pixels), 1, 1, 1, generator=generator) - 1)
    brightness, contrast, saturation = factors.to(pixels.device)
    pixels = pixels * brightness
    grey = pixels.mean(dim=1, keepdim=True)
    pixels = grey + saturation * (pixels - grey)
    centre = grey.mean(dim=(2, 3), keepdim=True)
    contrasted: torch.Tensor = centre + contrast * (pixels - centre)
    return contrasted.clamp(0, 255)


def erased(pixels: torch.Tensor, generator: torch.Generator, *, largest_area: float) -> torch.Tensor:
    """Blank one random rectangle of each image with that image's mean colour.

    The rectangle's area is uniform in [0, largest_area] of the image and its aspect ratio log-uniform in [1/2, 2];
    it lies wholly inside (after random erasing; Zhong et al., 2020).

    Args:
        pixels: float32 ``[n, c, h, w]``.
        generator: source of randomness.
        largest_area: in [0, 1); 0 changes nothing.
    """
    if largest_area == 0:
        return pixels
    area, ratio, x, y = torch.rand(4, len(pixels), 1, 1, 1, generator=generator)
    aspect = torch.exp((2 * ratio - 1) * math.log(2))
    width = (largest_area * area * aspect).sqrt().clamp(max=1)
    height = (largest_area * area / aspect).sqrt().clamp(max=1)
    left, top = x * (1 - width), y * (1 - height)
    column = (torch.arange(pixels.shape[3]) + 0.5) / pixels.shape[3]
    row = (torch.arange(pixels.shape[2])[:, None] + 0.5) / pixels.shape[2]
    inside = (left <= column) & (column < left + width) & (top <= row) & (row < top + height)
    return torch.where(inside.to(pixels.device), pixels.mean(dim=(2, 3), keepdim=True), pixels)
