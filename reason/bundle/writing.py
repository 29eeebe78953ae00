"""A Detector to a folder, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from reason.base.base import compact
from reason.base.graphs.base import GraphBase
from reason.bundle import card as cards
from reason.bundle import tensors
from reason.bundle.carried import check_files, copy_files
from reason.bundle.folders import BASE, CARD, MAP, META, SAMPLE, SUFFIX, claim, swap_in
from reason.bundle.shapes import CLASSES, CardChecks
from reason.bundle.states import pack
from reason.bundle.values import check_base, check_direction, check_head, check_map, check_sample, check_state
from reason.detector.detector import Detector
from reason.errors import BundleError
from reason.signals.texts import to_bytes


def save(detector: Detector, folder: str | Path) -> str:
    """Write a bundle; the old one stays whole until the new one is complete.

    Base weights are stored in half precision where they are rounded to it, see ``Tapped.round_weights``, and as they
    are where not. A detector that ``load`` would refuse is refused. Engines are not carried over: what they were proved
    with are the bundle's files, so ``reason export`` proves them again.

    Returns:
        The digest that the bundle is known by; one detector gives one digest.

    Raises:
        BundleError: parts of the detector do not fit each other, or the folder holds something else than a bundle.
    """
    folder = Path(folder) if Path(folder).name not in ("", "..") else Path(folder).resolve()
    claim(folder)
    if detector.engine.precision != "fp32":
        name = detector.engine.name
        raise BundleError(f"{detector.name}: its threshold is that of {name}; load it with torch to save it.")
    arrays = _arrays(detector)
    alone = detector.base if isinstance(detector.base, GraphBase) else None
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        seals = {name: tensors.write(unfinished / name, arrays[name]) for name in sorted(arrays)}
        if alone:
            seals |= copy_files(alone, unfinished)
        files = {name: seal.model_dump() for name, seal in seals.items()}
        card = cards.write(unfinished / CARD, {**_facts(detector), "files": files})
        CardChecks(folder, card, detector.base).check()
        for name, found in arrays.items():
            _check(folder / name, card, found)
        check_direction(folder / CARD, detector.head, detector.signals)
        if alone:
            check_files(alone, unfinished, card)
        swap_in(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return card.digest


def _arrays(detector: Detector) -> dict[str, Mapping[str, torch.Tensor]]:
    """Return what each file holds."""
    head = {**detector.head.state_dict(), CLASSES: to_bytes(detector.classes)}
    arrays: dict[str, Mapping[str, torch.Tensor]] = {META: head}
    if not isinstance(detector.base, GraphBase):
        arrays[BASE] = {name: compact(tensor) for name, tensor in detector.base.arrays().items()}
    if detector.calibration_sample is not None:
        arrays[SAMPLE] = pack(detector.calibration_sample)
    if detector.latent_map is not None:
        arrays[MAP] = pack(detector.latent_map)
    return arrays | {f"{stem}{SUFFIX}": state for stem, state in detector.signals.state().items()}


def _check(path: Path, card: cards.Card, arrays: Mapping[str, torch.Tensor]) -> None:
    if path.name == BASE:
        check_base(path, arrays)
    elif path.name == META:
        check_head(path, card, arrays)
    elif path.name == SAMPLE:
        check_sample(path, card.certificate, card.threshold, arrays)
    elif path.name == MAP:
        check_map(path, arrays)
    else:
        check_state(path, card, arrays)


def _facts(detector: Detector) -> dict[str, Any]:
    certificate = detector.certificate
    return {
        "name": detector.name,
        "title": detector.title,
        "architecture": detector.architecture,
        **_optional(arguments=dict(detector.arguments), head_module=detector.head_module),
        "dropout": detector.base.dropout,
        "classes": list(detector.classes),
        "taps": [tap.to_dict() for tap in detector.base.taps],
        "preprocessing": detector.preprocessing.to_dict(),
        "signals": asdict(detector.signal_settings),
        "meta_names": list(detector.signals.names),
        "head": {"kind": detector.head.kind, **detector.head.shape},
        "calibration": {"method": "platt", **asdict(detector.calibration)},
        "threshold": detector.threshold,
        "certificate": None if certificate is None else certificate.to_dict(),
        "provenance": detector.provenance.to_dict(),
    }


def _optional(**values: Any) -> dict[str, Any]:
    """Return the keys that a card has only where they say something."""
    return {key: value for key, value in values.items() if value}
