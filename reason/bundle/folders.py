"""The folder that a bundle lies in: its files, how it is swapped in whole, and how it is found after a killed save."""

from __future__ import annotations

import shutil
from pathlib import Path

from reason.errors import BundleError

CARD = "dataset_meta.json"
BASE = "best_base.safetensors"
META = "best_meta_enhanced.safetensors"
PCA = "penultimate_pca.safetensors"
BANK = "knn_bank.safetensors"
SAMPLE = "calibration_sample.safetensors"
LAYERS = "layer_statistics.safetensors"
MAP = "latent_map.safetensors"
BF16_SAMPLE = "calibration_sample_bf16.safetensors"
"""What engines that compute in bfloat16 say of the calibration images."""
GRAPH = "best_base.onnx"
"""The base classifier for engines other than PyTorch, without weights; see ``reason.base.engines.graph``."""
SUFFIX = ".safetensors"
"""Suffix of the files that hold arrays; each stem of ``SignalSet.state`` is one of them."""

FILES = frozenset({CARD, BASE, META, PCA, BANK, LAYERS, SAMPLE, MAP})


def swap_in(new: Path, folder: Path) -> None:
    """Put the new folder in the old one's place; ``find`` still finds the old one if we die between the renames.

    Files of the old folder that no bundle writes, such as a model card, move along.
    """
    old = _aside(folder)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        for path in folder.iterdir():
            if path.is_file() and path.name not in (CARD, GRAPH) and path.suffix != SUFFIX:
                shutil.copy2(path, new / path.name)
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


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
