"""Evidence of whole image sets, extracted once: what one run has seen of the same images, the next one reads."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import torch

from reason import progress
from reason.base.engines import Engine
from reason.base.evidence import Evidence, Labelled, concatenate
from reason.base.views import SIDES, VIEWS
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.detector.detector import Detector

CACHE = Path("runs") / "evidence"
"""Where evidence is kept, one file a chunk; delete it at any time."""

CHUNK = 1024
"""Images that are kept together, so that a stopped run loses few."""

BATCH, BATCH_PIXELS = 64, 16 * 160**2
"""Most images, and most of their pixels, that pass through the network together; more are slower, out of the caches."""

WHOLE = "whole"
"""What the picture itself is called beside the names of its views."""

DAMAGED = (
    *(RuntimeError, OSError, EOFError, TypeError, ValueError),
    *(pickle.UnpicklingError, zipfile.BadZipFile, zlib.error),
)
"""What reading a damaged file raises."""


class Extractor:
    """Runs one engine over image sets, and keeps what it found.

    The name of a file is a digest of the engine with its weights, of the preprocessing and of the pixels; each view
    has its own files. The code of the network and of the views is not part of it: delete the folder after a change.

    Args:
        engine: runs the frozen base classifier.
        preprocessing: its own.
        gradient: whether to measure the input gradient, which costs a backward pass.
        views: whether to look at the views too, which cost a smaller forward pass each.
        cache: folder to keep evidence in; ``None`` keeps none.
    """

    def __init__(
        self,
        engine: Engine,
        preprocessing: Preprocessing,
        *,
        gradient: bool,
        views: bool = False,
        cache: Path | None = CACHE,
    ) -> None:
        self.engine, self.preprocessing, self.cache = engine, preprocessing, cache
        self.gradient, self.views = gradient, tuple(VIEWS) if views else ()
        self._mark = f"{engine.identity()} {preprocessing}"

    @classmethod
    def of(cls, detector: Detector, cache: Path | None = CACHE) -> Extractor:
        """Return the extractor of what a detector's signals need."""
        requires = detector.signals.requires
        return cls(
            detector.engine,
            detector.preprocessing,
            gradient="gradient" in requires,
            views="views" in requires,
            cache=cache,
        )

    def __call__(self, images: ImageSet, title: str, *, bare: bool = False) -> Labelled:
        """Return the evidence of a set of images, behind a progress bar.

        Args:
            images: the set.
            title: what the bar calls it.
            bare: whether one forward pass is enough: no gradient, no views.
        """
        gradient, names = (False, (WHOLE,)) if bare else (self.gradient, (WHOLE, *self.views))
        batch_size = max(1, min(BATCH, BATCH_PIXELS // images.pixels.shape[-2:].numel()))
        parts: list[Evidence] = []
        with progress.bar(f"evidence of {title}", unit="images") as bar:
            for start in range(0, len(images), CHUNK):
                bar.set(start, len(images))
                pixels = images.pixels[start : start + CHUNK]
                files = {name: self._file(pixels, name, gradient) for name in names}
                known = {name: kept for name, file in files.items() if (kept := _read(file)) is not None}
                missing = [name for name in names if name not in known]
                found: dict[str, list[Evidence]] = {name: [] for name in missing}
                for number, batch in enumerate(pixels.split(batch_size) if missing else ()):
                    standard = self.preprocessing.normalise(batch)
                    for name in missing:
                        found[name].append(self._look(standard, name, gradient))
                    bar.set(min(start + (number + 1) * batch_size, len(images)), len(images))
                for name in missing:
                    known[name] = concatenate(found[name])
                    _write(known[name], files[name])
                parts.append(replace(known[WHOLE], views={name: known[name] for name in names[1:]}))
            bar.set(len(images), len(images))
        return Labelled(concatenate(parts), **images.known())

    def _look(self, images: torch.Tensor, name: str, gradient: bool) -> Evidence:
        return self.engine.extract(images, gradient=gradient) if name == WHOLE else self.engine.view(images, name)

    def _file(self, pixels: torch.Tensor, name: str, gradient: bool) -> Path | None:
        if self.cache is None:
            return None
        asked = gradient if name == WHOLE else f"{name} {SIDES[name]}"
        digest = hashlib.sha256(f"{self._mark} {tuple(pixels.shape)} {asked}".encode())
        digest.update(pixels.contiguous().numpy().tobytes())
        return self.cache / f"{digest.hexdigest()[:32]}.pt"


def _read(file: Path | None) -> Evidence | None:
    """Return what is kept in the file; ``None`` when it is missing or damaged."""
    if file is None or not file.is_file():
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.testzip() is not None:  # torch.load itself does not look at the checksums
                return None
        return Evidence(**torch.load(file, weights_only=True))
    except DAMAGED:
        return None


def _write(evidence: Evidence, file: Path | None) -> None:
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}.unfinished")
    torch.save(
        {
            "logits": evidence.logits,
            "embedding": evidence.embedding,
            "gradient_norm": evidence.gradient_norm,
            "activations": dict(evidence.activations),
        },
        unfinished,
    )
    unfinished.replace(file)
