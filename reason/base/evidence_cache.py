"""Evidence on disk: one file of arrays a key, checked when it is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from reason.base.evidence import Evidence

_ACTIVATIONS = "activations:"
_CHECKSUM = "sha256"


class EvidenceCache:
    """A folder that keeps evidence without views, one file a key; delete it at any time.

    Args:
        folder: made when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, key: str) -> Evidence | None:
        """Return what is kept under the key; ``None`` when it is missing or damaged."""
        try:
            arrays = load(self._file(key).read_bytes())
        except (FileNotFoundError, SafetensorError):
            return None
        checksum = arrays.pop(_CHECKSUM, None)
        # The format itself has no checksum of the numbers.
        if checksum is None or not torch.equal(checksum, _checksum(arrays)):
            return None
        return Evidence(
            arrays["logits"],
            arrays["embedding"],
            arrays.get("gradient_norm"),
            # Numbered, because the format has an order of its own.
            {name.split(":", 2)[2]: arrays[name] for name in sorted(arrays) if name.startswith(_ACTIVATIONS)},
        )

    def write(self, key: str, evidence: Evidence) -> None:
        """Keep evidence under the key; a process that dies while it writes leaves nothing that is read."""
        arrays = {"logits": evidence.logits, "embedding": evidence.embedding}
        if evidence.gradient_norm is not None:
            arrays["gradient_norm"] = evidence.gradient_norm
        for number, (name, values) in enumerate(evidence.activations.items()):
            arrays[f"{_ACTIVATIONS}{number:04d}:{name}"] = values
        arrays = {name: array.contiguous() for name, array in arrays.items()}
        file = self._file(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}.unfinished")
        unfinished.write_bytes(save({**arrays, _CHECKSUM: _checksum(arrays)}))
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
