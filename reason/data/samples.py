"""Pictures to try a bundle on: encoded files of a data set, or of an installed package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded picture, PNG or JPEG."""

    name: str
    """Name inside its source."""
    label: str | None
    """True class, where it is known."""
    data: bytes
    """The picture as bytes of a file."""

    @property
    def media_type(self) -> str:
        """``image/jpeg`` or ``image/png``."""
        return "image/jpeg" if self.data.startswith(b"\xff\xd8") else "image/png"


@dataclass(frozen=True, slots=True)
class Samples:
    """Pictures of one source, read one at a time; several threads may read at once."""

    source: str
    """Where they come from, such as ``MNIST test``."""
    names: tuple[str, ...]
    """Name of each inside its source."""
    labels: tuple[str | None, ...]
    """True class of each, where it is known."""
    read: Callable[[int], bytes]
    """Returns the file of the picture at an index."""

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        """Read one picture.

        Raises:
            IndexError: the index is not from 0 to ``len(self) - 1``.
            OSError: the file has gone since it was listed.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"index {index}: out of range; there are {len(self)} samples, counted from 0.")
        return Sample(self.names[index], self.labels[index], self.read(index))
