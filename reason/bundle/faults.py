"""How a bundle's faults are worded."""

from __future__ import annotations

from pathlib import Path

from reason.errors import BundleError


def broken(path: Path, fault: str) -> BundleError:
    """Return the error of a file that is not as it was written: one sentence that names file, fault and way out."""
    return BundleError(f"{path}: {fault}; get the bundle again.")
