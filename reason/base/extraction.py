"""The one path from an image set to labelled evidence, which is kept for the next run that asks for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from reason import progress
from reason.base.engines import Engine
from reason.base.evidence import Evidence, Labelled, concatenate
from reason.base.evidence_cache import EvidenceCache
from reason.base.views import SIDES, VIEWS
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing

CACHE = Path("runs") / "evidence"
"""Where runs of the command line keep evidence; delete it at any time."""

CHUNK = 1024
"""Images that are kept together, so that a stopped run loses few; a power of two, so that batches fill it."""

BATCH, BATCH_PIXELS = 64, 16 * 160**2
"""Most images, and most of their pixels, that pass through the network together; more are slower, out of the caches."""

PICTURE = "picture"
"""What the picture itself is called beside the names of its views."""


class Extractor:
    """Runs one engine over image sets, and keeps what it found where it is given a cache.

    What is kept is found again by a digest of the engine with its weights, the preprocessing and the pixels; each view
    is kept by itself. The code of the network and of the views is not part of it: delete the cache after a change.

    Args:
        engine: runs the frozen base classifier.
        preprocessing: its own.
        gradient: whether to measure the input gradient, which costs a backward pass.
        views: whether to look at the views too, which cost a smaller forward pass each.
        cache: folder to keep evidence in, such as ``CACHE``; ``None`` keeps none.
    """

    def __init__(
        self,
        engine: Engine,
        preprocessing: Preprocessing,
        *,
        gradient: bool,
        views: bool = False,
        cache: Path | None = None,
    ) -> None:
        self.engine, self.preprocessing = engine, preprocessing
        self.gradient, self.views = gradient, tuple(VIEWS) if views else ()
        self._cache = EvidenceCache(cache) if cache else None
        self._mark = f"{engine.identity()} {preprocessing}" if cache else ""

    def __call__(self, images: ImageSet, title: str = "images", *, bare: bool = False) -> Labelled:
        """Return the evidence of a set of images, behind a progress bar.

        Args:
            images: the set; at least one image.
            title: what the bar calls it.
            bare: whether one forward pass is enough: no gradient, no views.

        Raises:
            FitError: the network takes pictures of one size only, and the views are smaller.
        """
        batch_size = batch_size_of(images.pixels.shape[-2:].numel())
        parts = []
        with progress.bar(f"evidence of {title}", unit="images") as bar:
            bar.set(0, len(images))
            for start in range(0, len(images), CHUNK):
                batches = images.pixels[start : start + CHUNK].split(batch_size)
                parts.append(self._chunk(batches, bare, bar))
        return Labelled(concatenate(parts), **images.known())

    def _chunk(self, batches: Sequence[torch.Tensor], bare: bool, bar: progress.Bar) -> Evidence:
        """Return the evidence of images that are kept together, uint8 ``[n, channels, h, w]``, in batches."""
        looks = (PICTURE,) if bare else (PICTURE, *self.views)
        gradient = self.gradient and not bare
        keys = self._keys(batches, looks, gradient)
        known = self._read(keys)
        found: dict[str, list[Evidence]] = {look: [] for look in looks if look not in known}
        for batch in batches:
            standard = self.preprocessing.normalise(batch) if found else batch
            for look, parts in found.items():
                parts.append(self._look(standard, look, gradient))
            bar.advance(len(batch))
        for look, parts in found.items():
            known[look] = concatenate(parts)
            if self._cache:
                self._cache.write(keys[look], known[look])
        return replace(known[PICTURE], views={look: known[look] for look in looks[1:]})

    def _look(self, images: torch.Tensor, look: str, gradient: bool) -> Evidence:
        return self.engine.extract(images, gradient=gradient) if look == PICTURE else self.engine.view(images, look)

    def _keys(self, batches: Sequence[torch.Tensor], looks: Sequence[str], gradient: bool) -> dict[str, str]:
        """Return what evidence of these images is kept under; nothing without a cache."""
        if not self._cache:
            return {}
        digest = hashlib.sha256()
        for batch in batches:
            digest.update(f"{tuple(batch.shape[1:])}".encode())
            digest.update(batch.contiguous().numpy().tobytes())
        pixels = f"{self._mark} {digest.hexdigest()}"
        return {look: f"{pixels} {gradient if look == PICTURE else f'{look} {SIDES[look]}'}" for look in looks}

    def _read(self, keys: Mapping[str, str]) -> dict[str, Evidence]:
        read = {look: self._cache.read(key) for look, key in keys.items()} if self._cache else {}
        return {look: kept for look, kept in read.items() if kept is not None}


def batch_size_of(pixels: int) -> int:
    """Return how many images of so many pixels pass together: the largest power of two within the limits."""
    most = min(BATCH, BATCH_PIXELS // pixels)
    return 1 << max(0, most.bit_length() - 1)
