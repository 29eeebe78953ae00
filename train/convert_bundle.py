"""Convert a bundle of format 2 (pickles and .pth files) to the present format, without training anything again.

    python train/convert_bundle.py OLD NEW

For bundles that you made yourself: the old format is read by an unpickler that refuses everything but NumPy arrays,
and that is not enough for a file of unknown origin, whose arrays can still crash the process. OLD is left as it is.
"""

from __future__ import annotations

import argparse
import io
import json
import pickle
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reason.base.backbones import ARCHITECTURES
from reason.bundle import card as cards
from reason.bundle import tensors
from reason.bundle.folders import BASE, CARD, META
from reason.bundle.reading import load
from reason.bundle.shapes import CLASSES
from reason.detector.provenance import Provenance
from reason.errors import BundleError, ReasonError
from reason.signals.texts import to_bytes
from reason.structure import build, plain

OLD_FORMAT = 2
ARRAYS = ("penultimate_pca", "knn_bank", "layer_statistics", "calibration_sample", "latent_map")
FORMER_SPLITS = {"home mix": "target distribution"}
ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "_reconstruct"),  # the name before NumPy 2
}
"""The only names that a pickled plain array refers to."""

Tensors = dict[str, torch.Tensor]


def main() -> None:
    """Read the two folders from the command line and convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, metavar="OLD", help="folder of a bundle of format 2 that you made yourself")
    parser.add_argument("new", type=Path, metavar="NEW", help="folder to write; it must not exist")
    arguments = parser.parse_args()
    try:
        digest = convert(arguments.old, arguments.new)
    except (ReasonError, OSError) as error:
        sys.exit(f"convert_bundle: {error}")
    sys.stdout.write(f"{arguments.new}: {digest}\n")


def convert(old: Path, new: Path) -> str:
    """Write the bundle anew; return its digest.

    Raises:
        BundleError: OLD is no bundle of format 2, or NEW exists.
    """
    if new.exists():
        raise BundleError(f"{new}: exists; name a folder that does not.")
    facts = json.loads((old / CARD).read_text(encoding="utf-8"))
    if facts.get("format") != OLD_FORMAT:
        raise BundleError(f"{old / CARD}: bundle format {facts.get('format')!r} is not {OLD_FORMAT}.")
    arrays = _read_old(old, facts)
    unfinished = new.with_name(f".{new.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for path in old.iterdir():
        if path.is_file() and path.name != CARD and path.name not in facts["files"]:
            shutil.copy2(path, unfinished / path.name)
    seals = {name: tensors.write(unfinished / name, arrays[name]) for name in sorted(arrays)}
    made = facts.pop("card") | {key: facts.pop(key) for key in ("created", "versions")}
    made["metrics"] = {FORMER_SPLITS.get(split, split): row for split, row in made.get("metrics", {}).items()}
    facts["provenance"] = plain(build(Provenance, made, renamed=lambda former, name: None))
    name = facts["architecture"]
    facts["taps"] = [tap.to_dict() for tap in ARCHITECTURES[name].taps] if name in ARCHITECTURES else []
    facts["files"] = {name: seal.model_dump() for name, seal in seals.items()}
    card = cards.write(unfinished / CARD, facts)
    if card.architecture in ARCHITECTURES:  # a network of your own is checked when you load it
        load(unfinished)
    unfinished.rename(new)
    return card.digest


def _read_old(folder: Path, facts: Mapping[str, Any]) -> dict[str, Tensors]:
    arrays: dict[str, Tensors] = {
        BASE: _weights(folder / "best_base.pth"),
        META: {**_weights(folder / "best_meta_enhanced.pth"), CLASSES: to_bytes(facts["classes"])},
    }
    for stem in ARRAYS:
        path = folder / f"{stem}.pkl"
        if path.name in facts["files"]:
            arrays[f"{stem}.safetensors"] = {_name(key): _tensor(key, array) for key, array in _unpickled(path).items()}
    return arrays


def _weights(path: Path) -> Tensors:
    state: Tensors = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _name(key: str) -> str:
    """Return what an array is called now."""
    return re.sub(r"\.whole$", ".background", key)


def _tensor(key: str, array: np.ndarray[Any, Any]) -> torch.Tensor:
    if array.dtype.kind == "S":
        return to_bytes(array.tolist())
    return torch.from_numpy(array).bool() if key == "correct" else torch.from_numpy(array)


def _unpickled(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    arrays: dict[str, np.ndarray[Any, Any]] = _ArrayUnpickler(io.BytesIO(path.read_bytes())).load()
    return arrays


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise BundleError(f"it asks for {module}.{name}, and only NumPy arrays are allowed")
        return super().find_class(module, name)


if __name__ == "__main__":
    main()
