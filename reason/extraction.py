"""Evidence of whole image sets, extracted once: what one run has seen of the same images, the next one reads."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
import zlib
from pathlib import Path

import torch

from reason import progress
from reason.backbones import Tapped
from reason.datasets import ImageSet
from reason.detector import Detector
from reason.evidence import Evidence, concatenate
from reason.fit import Labelled
from reason.images import Preprocessing

CACHE = Path("runs") / "evidence"
"""Where evidence is kept, one file a chunk; delete it at any time."""

CHUNK, BATCH = 1024, 64
"""Images that are kept together, so that a stopped run loses few, and images that pass through the network together."""

DAMAGED = (
    *(RuntimeError, OSError, EOFError, TypeError, ValueError),
    *(pickle.UnpicklingError, zipfile.BadZipFile, zlib.error),
)
"""What reading a damaged file raises."""


class Extractor:
    """Runs one base classifier over image sets, and keeps what it found.

    The name of a file is a digest of the weights, the taps, the preprocessing and the pixels. The network's code is not
    part of it: delete the folder after changing that.

    Args:
        base: frozen base classifier.
        preprocessing: its own.
        gradient: whether to measure the input gradient, which costs a backward pass.
        cache: folder to keep evidence in; ``None`` keeps none.
    """

    def __init__(
        self, base: Tapped, preprocessing: Preprocessing, *, gradient: bool, cache: Path | None = CACHE
    ) -> None:
        self.base, self.preprocessing, self.gradient, self.cache = base, preprocessing, gradient, cache
        digest = hashlib.sha256(f"{torch.__version__} {preprocessing} {base.taps}".encode())
        for name, tensor in base.network.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        self._mark = digest.hexdigest()

    @classmethod
    def of(cls, detector: Detector, cache: Path | None = CACHE) -> Extractor:
        """Return the extractor of what a detector's signals need."""
        return cls(detector.base, detector.preprocessing, gradient=detector.signals.needs_gradient, cache=cache)

    def __call__(self, images: ImageSet, title: str, *, gradient: bool | None = None) -> Labelled:
        """Return the evidence of a set of images, behind a progress bar.

        Args:
            images: the set.
            title: what the bar calls it.
            gradient: instead of the extractor's own.
        """
        wanted = self.gradient if gradient is None else gradient
        parts: list[Evidence] = []
        with progress.bar(f"evidence of {title}", unit="images") as bar:
            for start in range(0, len(images), CHUNK):
                bar.set(start, len(images))
                pixels = images.pixels[start : start + CHUNK]
                file = self._file(pixels, wanted)
                known = _read(file)
                if known is None:
                    batches = pixels.split(BATCH)
                    found = []
                    for number, batch in enumerate(batches):
                        found.append(self.base.extract(self.preprocessing.normalise(batch), gradient=wanted))
                        bar.set(min(start + (number + 1) * BATCH, len(images)), len(images))
                    known = concatenate(found)
                    _write(known, file)
                parts.append(known)
            bar.set(len(images), len(images))
        return Labelled(concatenate(parts), images.labels, images.sources, images.corruptions, images.severities)

    def _file(self, pixels: torch.Tensor, gradient: bool) -> Path | None:
        if self.cache is None:
            return None
        digest = hashlib.sha256(f"{self._mark} {tuple(pixels.shape)} {gradient}".encode())
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
