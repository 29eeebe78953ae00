"""Files that are checked before they are used: regular ones alone, and still the same ones afterwards."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

BLOCK = 2**20
"""Bytes that are hashed at a time."""

Stamp = tuple[int, ...]
"""What changes when a file is replaced or written to: device, number, size and times."""


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading. A pipe would wait for its other end, and a device may never end.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    with os.fdopen(
        os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb"
    ) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        yield file


def size_of(file: BinaryIO) -> int:
    """Return the size of an open file in bytes."""
    return os.fstat(file.fileno()).st_size


def sha256_of(file: BinaryIO) -> str:
    """Return the SHA-256 of an open file from its start, and of no more bytes than it has when this is called."""
    digest, left = hashlib.sha256(), size_of(file)
    file.seek(0)
    while left > 0 and (block := file.read(min(BLOCK, left))):
        digest.update(block)
        left -= len(block)
    return digest.hexdigest()


def stamp_of(file: BinaryIO | Path) -> Stamp:
    """Return the stamp of an open file, or of the one that a path leads to now.

    Raises:
        OSError: the path leads nowhere.
    """
    found = file.stat() if isinstance(file, Path) else os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
