"""Labelled images of any number to what a fit learns from: chunk by chunk, and only what is kept stays in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from reason.base.engines import Engine
from reason.base.evidence import Evidence, Labelled
from reason.base.evidence_cache import from_arrays, to_arrays
from reason.base.extraction import batch_size_of
from reason.base.taps import POOLINGS
from reason.data.images import Preprocessing
from reason.data.labelled import Batch, Chunk, Copies, LabelledImages, ProgressStore
from reason.data.labels import CLEAN, LabelledItems
from reason.detector.latent import latent_of
from reason.signals import SignalSet, measured
from reason.signals.base import Measured

MOST_LATENTS = 4096
"""Images that the latent map is drawn of, at most."""


@dataclass(frozen=True, slots=True)
class Vectors(LabelledItems):
    """Meta-vectors of images whose true classes are known: all that a head learns from."""

    vectors: torch.Tensor
    """float32 ``[n, columns]``."""
    predicted: torch.Tensor
    """Index of the predicted class, int64 ``[n]``."""
    latent: torch.Tensor
    """What the latent map is drawn of, of the first images, float32 ``[m, features]``."""

    def _taken(self, rows: torch.Tensor) -> dict[str, Any]:
        return {"vectors": self.vectors[rows], "predicted": self.predicted[rows], "latent": self.latent[:0]}

    @property
    def correct(self) -> torch.Tensor:
        """Whether the base classifier is right, bool ``[n]``."""
        return self.predicted == self.labels

    @property
    def clean(self) -> torch.Tensor:
        """Whether each is an image itself and no corrupted copy, bool ``[n]``."""
        return torch.tensor([name == CLEAN for name in self.corruptions])


class Streamed:
    """Runs one engine over labelled images, chunk by chunk.

    Args:
        engine: runs the frozen base classifier.
        preprocessing: its own.
        folder: where to keep what was found, so that a run that was killed goes on; ``None`` keeps nothing.
    """

    def __init__(self, engine: Engine, preprocessing: Preprocessing, folder: Path | None = None) -> None:
        self._engine, self._preprocessing, self._folder = engine, preprocessing, folder
        self._mark = f"{engine.identity()} {preprocessing}" if folder else ""

    def evidence(self, images: LabelledImages, poolings: tuple[str, ...], title: str) -> Labelled:
        """Return the evidence of one forward pass of each image, all in memory.

        Args:
            images: the images.
            poolings: of the tapped maps that are kept.
            title: what the progress bar calls them.
        """

        def work(batch: Batch) -> Mapping[str, torch.Tensor]:
            evidence = self._look(batch.pixels, gradient=False, views=False)
            dropped = {f"_{pooling}" for pooling in POOLINGS if pooling not in poolings}
            kept = {key: rows for key, rows in evidence.activations.items() if not key.endswith(tuple(dropped))}
            return to_arrays(replace(evidence, activations=kept))

        found = _Joined.of(self._run(images, work, title, f"{poolings}"))
        return Labelled(from_arrays(found.arrays), labels=images.labels[found.rows], sources=found.names(images))

    def vectors(
        self, images: LabelledImages, signals: SignalSet, title: str, copies: Copies | None = None, count: int = 0
    ) -> Vectors:
        """Return the meta-vectors of images and, behind them, of their corrupted copies.

        Args:
            images: the images.
            signals: fitted families.
            title: what the progress bar calls them.
            copies: how they are corrupted.
            count: copies of each image.
        """
        needs, wanted = measured(signals.requires), count if copies else 0

        def work(batch: Batch) -> Mapping[str, torch.Tensor]:
            assert batch.pixels is not None
            looks = [self._vector(batch.pixels, signals, needs)]
            for number in range(wanted):
                assert copies is not None
                copied = copies.of(batch.pixels, batch.sources, number)
                kinds = torch.tensor([_place(copies, name) for name in copied.corruptions])
                looks.append(
                    {**self._vector(copied.pixels, signals, needs), "kind": kinds, "severity": copied.severities}
                )
            clean = {"kind": torch.full((len(batch),), -1), "severity": torch.zeros(len(batch))}
            looks[0] = {**looks[0], **clean}
            latent = looks[0].pop("latent")
            for look in looks[1:]:
                del look["latent"]
            return {"latent": latent, **{key: torch.stack([look[key] for look in looks], dim=1) for key in looks[0]}}

        how = f"{_digest(signals)} {copies} {wanted}"
        found = _Joined.of(self._run(images, work, title, how), latents=MOST_LATENTS)
        return found.vectors(images, copies)

    def _vector(self, pixels: torch.Tensor, signals: SignalSet, needs: Measured) -> dict[str, torch.Tensor]:
        evidence = self._look(pixels, **needs)
        latent = latent_of(evidence, signals.read_taps)
        return {"vectors": signals.compute(evidence), "predicted": evidence.predicted, "latent": latent}

    def _look(self, pixels: torch.Tensor | None, *, gradient: bool, views: bool) -> Evidence:
        assert pixels is not None
        return self._engine.extract(self._preprocessing.normalise(pixels), gradient=gradient, views=views)

    def _run(
        self, images: LabelledImages, work: Callable[[Batch], Mapping[str, torch.Tensor]], title: str, how: str
    ) -> Iterator[Chunk]:
        store = ProgressStore(self._folder, f"{self._mark} {how}")
        size = batch_size_of(self._preprocessing.size**2)
        return store.run(images, work, title=title, batch_size=size, prepare=self._preprocessing.pixels)


@dataclass(frozen=True, slots=True)
class _Joined:
    """What was found for all images that could be decoded."""

    rows: torch.Tensor
    arrays: dict[str, torch.Tensor]

    @classmethod
    def of(cls, chunks: Iterator[Chunk], latents: int = 0) -> _Joined:
        rows: list[torch.Tensor] = []
        arrays: dict[str, list[torch.Tensor]] = {}
        seen = 0
        for chunk in chunks:
            for name, array in chunk.arrays.items():
                kept = array[: max(0, latents - seen)] if name == "latent" else array
                arrays.setdefault(name, []).append(kept)
            rows.append(chunk.rows)
            seen += len(chunk.rows)
        return cls(torch.cat(rows), {name: torch.cat(parts) for name, parts in arrays.items()})

    def names(self, images: LabelledImages) -> tuple[str, ...]:
        return tuple(images.sources[row] for row in self.rows.tolist())

    def vectors(self, images: LabelledImages, copies: Copies | None) -> Vectors:
        """Return one row a look, those of the images themselves first."""
        looks = self.arrays["vectors"].shape[1]
        flat = {name: values.transpose(0, 1).flatten(0, 1) for name, values in self.arrays.items() if name != "latent"}
        kinds = flat["kind"].tolist()
        return Vectors(
            vectors=flat["vectors"],
            predicted=flat["predicted"],
            latent=self.arrays["latent"],
            labels=images.labels[self.rows].repeat(looks),
            sources=self.names(images) * looks,
            corruptions=tuple(CLEAN if kind < 0 or copies is None else copies.types[kind] for kind in kinds),
            severities=flat["severity"],
        )


def _place(copies: Copies, name: str) -> int:
    return -1 if name == CLEAN else copies.types.index(name)


def _digest(signals: SignalSet) -> str:
    """Return a digest of everything that the signals learned."""
    digest = hashlib.sha256(" ".join(signals.names).encode())
    for stem, state in sorted(signals.state().items()):
        for name, tensor in sorted(state.items()):
            digest.update(f"{stem} {name}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
