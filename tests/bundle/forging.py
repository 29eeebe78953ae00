"""Bundles altered as a forger would, who seals again what was changed: only what is checked besides can refuse them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from reason.bundle import tensors
from reason.bundle.digest import digest_of
from reason.bundle.folders import CARD

Table = dict[str, Any]


def edit_card(folder: Path, change: Callable[[Table], Any]) -> None:
    """Change the card and give it the digest of what it then says."""
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    change(card)
    write_card(folder, card)


def write_card(folder: Path, card: Table) -> None:
    """Write a card with its own digest, as far as it has one."""
    try:
        card["digest"] = digest_of(card)
    except ValueError:  # NaN and infinity
        card["digest"] = "0" * 64
    (folder / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")


def edit_arrays(folder: Path, name: str, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    """Change the arrays of a file and seal file and card again."""
    arrays = safetensors.torch.load((folder / name).read_bytes())
    change(arrays)
    seal = tensors.write(folder / name, arrays).model_dump()
    edit_card(folder, lambda card: card["files"].update({name: seal}))


def seal_again(folder: Path, name: str) -> None:
    """Seal a file that was changed byte by byte; the card's list of arrays stays as it was."""
    data = (folder / name).read_bytes()

    def change(card: Table) -> None:
        card["files"][name] |= {"sha256": tensors.sha256(data), "bytes": len(data)}

    edit_card(folder, change)
