"""Pickle files that hold NumPy arrays and nothing else, written and read without running anything from them."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reason.errors import BundleError

ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "_reconstruct"),  # the name before NumPy 2
}
"""The only names that a pickled plain array refers to."""


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and only NumPy arrays are allowed")
        return super().find_class(module, name)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Pickle a dictionary of plain arrays."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    path.write_bytes(pickle.dumps(contiguous, protocol=4))


def read_arrays(data: bytes, path: Path) -> dict[str, NDArray[Any]]:
    """Read what ``write_arrays`` wrote.

    Args:
        data: bytes of the file.
        path: the file's name, for messages.

    Raises:
        BundleError: the bytes are no pickle, or hold anything but a dictionary of numeric or byte-string arrays.
    """
    try:
        arrays = _ArrayUnpickler(io.BytesIO(data)).load()
    except Exception as error:  # damaged pickles raise many types
        raise BundleError(f"{path}: cannot be read ({error}); get the bundle again.") from None
    if not isinstance(arrays, dict) or not all(
        isinstance(array, np.ndarray) and array.dtype.kind in "fiuS" for array in arrays.values()
    ):
        raise BundleError(f"{path}: holds something else than arrays of numbers; get the bundle again.")
    return arrays
