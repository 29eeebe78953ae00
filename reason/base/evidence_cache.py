"""Evidence on disk: one file of arrays a key, checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from reason.base.evidence import Evidence
from reason.data.array_store import ArrayStore

_ACTIVATIONS = "activations:"


class EvidenceCache:
    """A folder that keeps evidence without views, one file a key; delete it at any time.

    Args:
        folder: made when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self._store = ArrayStore(folder)

    def read(self, key: str) -> Evidence | None:
        """Return what is kept under the key; ``None`` when it is missing or damaged."""
        arrays = self._store.read(key)
        return None if arrays is None else from_arrays(arrays)

    def write(self, key: str, evidence: Evidence) -> None:
        """Keep evidence under the key; a process that dies while it writes leaves nothing that is read."""
        self._store.write(key, to_arrays(evidence))


def to_arrays(evidence: Evidence) -> dict[str, torch.Tensor]:
    """Return evidence without views as named arrays, whose order does not matter."""
    arrays = {"logits": evidence.logits, "embedding": evidence.embedding}
    if evidence.gradient_norm is not None:
        arrays["gradient_norm"] = evidence.gradient_norm
    for number, (name, values) in enumerate(evidence.activations.items()):
        arrays[f"{_ACTIVATIONS}{number:04d}:{name}"] = values
    return arrays


def from_arrays(arrays: Mapping[str, torch.Tensor]) -> Evidence:
    """Return the evidence that ``to_arrays`` was given."""
    return Evidence(
        arrays["logits"],
        arrays["embedding"],
        arrays.get("gradient_norm"),
        {name.split(":", 2)[2]: arrays[name] for name in sorted(arrays) if name.startswith(_ACTIVATIONS)},
    )
