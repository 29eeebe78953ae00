"""What was found for each chunk of images, kept on disk, so that a run that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from reason import progress
from reason.data.array_store import ArrayStore
from reason.data.labelled.images import Batch, LabelledImages, Prepare
from reason.errors import DatasetError

CHUNK = 1024
"""Images that are kept together, so that a killed run loses few; a power of two, so that batches fill it."""

Work = Callable[[Batch], Mapping[str, torch.Tensor]]
"""From a batch to named arrays, which are joined along their first dimension; always with the same names."""

_ROWS, _SKIPPED, _DIGESTS = "chunk:rows", "chunk:skipped", "chunk:digests"


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was found for neighbouring images."""

    rows: torch.Tensor
    """int64 ``[k]``: rows of the images that could be decoded."""
    arrays: dict[str, torch.Tensor]
    """What ``work`` returned for their batches, joined; by name, sorted."""
    skipped: tuple[str, ...]
    """A sentence for each image that could not be decoded."""


class ProgressStore:
    """Runs work over images chunk by chunk, and keeps what it finds where it is given a folder.

    A chunk that is kept already is neither decoded nor worked on again. Batches start anew in each chunk, so whether a
    run was killed changes no bit of what is found. Chunks are found again by ``mark``, title, batch size, and the names
    and contents of their images.

    Args:
        folder: where to keep it; ``None`` keeps nothing.
        mark: everything else that the result depends on, such as a digest of the weights and all settings.
    """

    def __init__(self, folder: Path | None, mark: str = "") -> None:
        self._store = ArrayStore(folder) if folder else None
        self._mark = mark

    def run(
        self,
        images: LabelledImages,
        work: Work,
        *,
        title: str,
        batch_size: int,
        prepare: Prepare | None = None,
        chunk: int = CHUNK,
    ) -> Iterator[Chunk]:
        """Work on all images in order, behind a progress bar, and return one chunk after another.

        Args:
            images: the images.
            work: what to do with each batch, whose rows are those of ``images``.
            title: names the work, on the bar and in what is kept.
            batch_size: images of a batch.
            prepare: as for ``LabelledImages.batches``.
            chunk: images that are kept together.

        Raises:
            DatasetError: the folder cannot be written to.
        """
        with progress.bar(title, unit="images") as bar:
            bar.set(0, len(images))
            for first, part in _parts(images, chunk):
                key = self._key(part, f"{title} {batch_size} {prepare is not None}")
                arrays = self._read(key)
                if arrays is None:
                    arrays = _work_on(_shifted(part.batches(batch_size, prepare), first), first, work, bar)
                    self._write(key, arrays)
                else:
                    bar.advance(len(part))
                yield _chunk(arrays, first)

    def look(self, images: LabelledImages) -> tuple[str, ...]:
        """Decode all images once, and return a sentence for each that cannot be decoded.

        What is found is known to ``images`` and all that is taken of them: their digests, for splits. Of images in
        files it is kept, so that a run that goes on decodes none of them for it again.
        """
        with progress.bar("look at all images", unit="images") as bar:
            bar.set(0, len(images))
            for _, part in _parts(images, CHUNK):
                self._look_at(part)
                bar.advance(len(part))
        return images.problems()

    def _look_at(self, part: LabelledImages) -> None:
        files = part.file_digests()
        key = f"look {_hash(map(str, files))} {_hash(part.sources)}"
        kept = self._read(key) if None not in files else None
        if kept is not None:
            _recall(part, kept)
            return
        with progress.hidden():
            digests = part.digests()
        if None not in files:
            found = b"".join(bytes.fromhex(digest or "0" * 64) for digest in digests)
            self._write(key, {_DIGESTS: _bytes(found), _SKIPPED: _bytes(json.dumps(part.problems()).encode())})

    def _key(self, part: LabelledImages, how: str) -> str:
        """Return what a chunk is kept under; nothing where nothing is kept."""
        if not self._store:
            return ""
        contents = part.file_digests()
        if None in contents:
            with progress.hidden():
                contents = part.digests()
        return f"{self._mark} {how} {_hash(map(str, contents))} {_hash(part.sources)}"

    def _read(self, key: str) -> dict[str, torch.Tensor] | None:
        try:
            return self._store.read(key) if self._store else None
        except OSError:  # whoever writes there next says what is wrong with the folder
            return None

    def _write(self, key: str, arrays: Mapping[str, torch.Tensor]) -> None:
        if not self._store:
            return
        try:
            self._store.write(key, arrays)
        except OSError as error:
            raise DatasetError(
                f"{self._store.folder}: progress cannot be kept ({error.strerror}); make room there, then resume."
            ) from None


def _parts(images: LabelledImages, size: int) -> Iterator[tuple[int, LabelledImages]]:
    for first in range(0, len(images), size):
        yield first, images.take(torch.arange(first, min(first + size, len(images))))


def _shifted(batches: Iterator[Batch], first: int) -> Iterator[Batch]:
    """Return the batches of a chunk with their rows counted from the first of all images."""
    for batch in batches:
        yield replace(batch, rows=batch.rows + first)


def _work_on(batches: Iterator[Batch], first: int, work: Work, bar: progress.Bar) -> dict[str, torch.Tensor]:
    """Return the arrays of a chunk, and its rows counted from its own first image, as they are kept."""
    found: dict[str, list[torch.Tensor]] = {}
    rows: list[torch.Tensor] = []
    skipped: list[str] = []
    for batch in batches:
        for name, array in (work(batch) if len(batch) else {}).items():
            found.setdefault(name, []).append(array)
        rows.append(batch.rows - first)
        skipped.extend(batch.skipped)
        bar.advance(len(batch) + len(batch.skipped))
    arrays = {name: torch.cat(parts) for name, parts in found.items()}
    return {**arrays, _ROWS: torch.cat(rows), _SKIPPED: _bytes(json.dumps(skipped).encode())}


def _chunk(arrays: Mapping[str, torch.Tensor], first: int) -> Chunk:
    named = {name: arrays[name] for name in sorted(arrays) if name not in (_ROWS, _SKIPPED)}
    return Chunk(arrays[_ROWS] + first, named, tuple(json.loads(_text(arrays[_SKIPPED]))))


def _recall(part: LabelledImages, kept: Mapping[str, torch.Tensor]) -> None:
    """Let images know again what was found when they were decoded."""
    problems = iter(json.loads(_text(kept[_SKIPPED])))
    for place, digest in zip(part.places.tolist(), kept[_DIGESTS].view(-1, 32), strict=True):
        if digest.any():
            part.content.digests[place] = digest.numpy().tobytes().hex()
        else:
            part.content.problems[place] = next(problems)


def _hash(words: Sequence[str] | Iterator[str]) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _bytes(data: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)


def _text(array: torch.Tensor) -> bytes:
    return array.numpy().tobytes()
