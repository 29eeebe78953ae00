"""The folder that a bundle lies in: its files, how it is swapped in whole, and how it is found after a killed save."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from reason.base.engines.graph import GRAPH_FILE, WEIGHTS_FILE
from reason.bundle import plain_json
from reason.errors import BundleError
from reason.files import open_regular

CARD = "dataset_meta.json"
BASE = WEIGHTS_FILE
META = "best_meta_enhanced.safetensors"
PCA = "penultimate_pca.safetensors"
BANK = "knn_bank.safetensors"
SAMPLE = "calibration_sample.safetensors"
LAYERS = "layer_statistics.safetensors"
MAP = "latent_map.safetensors"
BF16_SAMPLE = "calibration_sample_bf16.safetensors"
"""What engines that compute in bfloat16 say of the calibration images."""
GRAPH = GRAPH_FILE
"""The base classifier for engines other than PyTorch, without weights; see ``reason.base.engines.graph``."""
SUFFIX = ".safetensors"
"""Suffix of the files that hold arrays; each stem of ``SignalSet.state`` is one of them."""

FILES = frozenset({CARD, BASE, META, PCA, BANK, LAYERS, SAMPLE, MAP})


def claim(folder: Path) -> None:
    """Refuse to write a bundle over what is none: everything in the folder would have to make way.

    Raises:
        BundleError: it is a file, or a folder that holds something but no bundle.
    """
    if folder.is_dir():
        if (folder / CARD).is_file() or not any(folder.iterdir()):
            return
        raise BundleError(f"{folder}: holds other files and no bundle; name a new folder, or that of a bundle.")
    if os.path.lexists(folder):
        raise BundleError(f"{folder}: is not a folder; name a new one, or that of a bundle.")


def swap_in(new: Path, folder: Path) -> None:
    """Put the new folder in the old one's place; ``find`` still finds the old one if we die between the renames.

    What lies in the old folder and is not the bundle's, such as a model card, moves along.

    Raises:
        BundleError: see ``claim``.
    """
    claim(folder)
    old = _aside(folder)
    before = old if _only_aside(folder) else folder
    if before.exists():
        _carry_over(before, new)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _carry_over(old: Path, new: Path) -> None:
    """Copy what is not the old bundle's; links stay links."""
    own = _listed(old) | FILES | {GRAPH, BF16_SAMPLE}
    for path in old.iterdir():
        if path.name in own or os.path.lexists(new / path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, new / path.name, symlinks=True)
        else:
            shutil.copy2(path, new / path.name, follow_symlinks=False)


def _listed(folder: Path) -> set[str]:
    """Return the files that a bundle's card lists; none where it cannot be read."""
    try:
        with open_regular(folder / CARD) as file:
            return set(plain_json.parse(file.read(plain_json.LARGEST + 1), folder / CARD).get("files") or ())
    except (OSError, BundleError, TypeError):
        return set()


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def find_all(folder: Path) -> list[Path]:
    """Return the bundles in a folder as ``load`` takes them, by name; the folder itself when it is a bundle.

    One that a killed ``save`` had put aside is among them; one that it had not finished is not.
    """
    if (folder / CARD).is_file() or _only_aside(folder):
        return [folder]
    whole = [card.parent for card in folder.glob(f"[!.]*/{CARD}")]
    aside = [folder / card.parent.name[1 : -len(".old")] for card in folder.glob(f".*.old/{CARD}")]
    return sorted(whole + [path for path in aside if _only_aside(path)])


def _only_aside(folder: Path) -> bool:
    return not folder.exists() and (_aside(folder) / CARD).is_file()


def find(folder: Path) -> Path:
    """Return the folder to read: the bundle, or what a killed ``save`` had put aside."""
    if _only_aside(folder):
        return _aside(folder)
    if not folder.is_dir():
        raise BundleError(f"{folder}: no such bundle folder; train one with `reason train`, or name another.")
    if not (folder / CARD).is_file():
        raise BundleError(f"{folder}: {CARD} is missing, so this is not a bundle; name the folder of one.")
    return folder
