"""What the sources of libraries have in common: ``NAME@WEIGHTS``, and preprocessing that is compared with theirs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image

from reason.data.images import Preprocessing
from reason.errors import ClassifierError

TOLERANCE = 1e-4
"""Largest difference between standardised pixels that count as equal."""


def library(name: str, extra: str) -> ModuleType:
    """Import a library.

    Raises:
        ClassifierError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise ClassifierError(f"{name} is not installed; pip install 'reason[{extra}]'.") from None


def split(text: str, kind: str) -> tuple[str, str]:
    """Return name and weights of ``NAME@WEIGHTS``.

    Raises:
        ClassifierError: one is missing.
    """
    name, at, weights = text.partition("@")
    if not (name and at and weights):
        raise ClassifierError(f"{kind}:{text[:200]}: name the weights too, as in {kind}:{name or 'NAME'}@weights.pth.")
    return name, weights


def same(ours: Preprocessing, theirs: Callable[[Image.Image], Any]) -> bool:
    """Return whether a library's preprocessing gives what ours gives, of made-up pictures of odd sizes."""
    for size in ((301, 203), (171, 260), (ours.size, ours.size)):
        picture = _made_up(size)
        expected = torch.as_tensor(theirs(picture)).float()
        found = ours.normalise(ours.pixels(picture)[None])[0]
        if expected.shape != found.shape or not bool((expected - found).abs().max() <= TOLERANCE):
            return False
    return True


def _made_up(size: tuple[int, int]) -> Image.Image:
    """Return a picture of blocks and noise, of any width and height."""
    draws = np.random.default_rng(0)
    blocks = Image.fromarray(draws.integers(0, 256, (9, 7, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noise = draws.integers(-20, 20, (size[1], size[0], 3))
    return Image.fromarray((np.asarray(blocks).astype(np.int64) + noise).clip(0, 255).astype(np.uint8))
