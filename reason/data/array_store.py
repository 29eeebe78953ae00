"""Arrays on disk: one file a key, written whole or not at all, checked when it is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

_CHECKSUM = "sha256"


class ArrayStore:
    """A folder that keeps named arrays, one file a key; delete it at any time.

    Several processes may use one folder.

    Args:
        folder: made when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, key: str) -> dict[str, torch.Tensor] | None:
        """Return the arrays that are kept under the key; ``None`` when they are missing or damaged."""
        try:
            arrays = load(self._file(key).read_bytes())
        except (FileNotFoundError, SafetensorError):
            return None
        checksum = arrays.pop(_CHECKSUM, None)
        # The format itself has no checksum of the numbers.
        if checksum is None or not torch.equal(checksum, _checksum(arrays)):
            return None
        return arrays

    def write(self, key: str, arrays: Mapping[str, torch.Tensor]) -> None:
        """Keep arrays under the key; a process that dies while it writes leaves nothing that is read."""
        kept = {name: array.contiguous() for name, array in arrays.items()}
        file = self._file(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}.unfinished")
        unfinished.write_bytes(save({**kept, _CHECKSUM: _checksum(kept)}))
        unfinished.replace(file)

    def _file(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"


def _checksum(arrays: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return a SHA-256 of names, shapes and numbers as uint8 ``[32]``."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {tuple(array.shape)}".encode())
        digest.update(array.numpy().tobytes())
    return torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8)
