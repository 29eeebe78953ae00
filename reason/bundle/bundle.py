"""A Detector to and from a folder: the only place that reads or writes artefacts.

Nothing in the folder is ever run: weights are read with ``weights_only=True`` and pickles by a loader that knows
NumPy arrays and refuses everything else before it acts.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from reason.base.backbones import ARCHITECTURES, make, tap
from reason.base.engines import Tapped
from reason.base.head import head_of
from reason.bundle.artefacts import pack, to_arrays, to_state, unpack
from reason.bundle.folders import BASE, CARD, MAP, META, SAMPLE, find, swap_in
from reason.bundle.pickles import read_arrays, write_arrays
from reason.data.images import Preprocessing
from reason.detector.calibration import Platt
from reason.detector.certificate import Certificate
from reason.detector.detector import Detector
from reason.detector.latent import LatentMap
from reason.detector.metanet import MetaNet
from reason.detector.provenance import Provenance
from reason.detector.risk import CalibrationSample
from reason.errors import BundleError, SettingsError
from reason.signals import SignalSet, SignalSettings, State
from reason.structure import build

FORMAT = 2
"""Version of the bundle format; other versions are refused."""

STATE = ".pkl"
"""Suffix of the files that hold what the signals have learned."""

T = TypeVar("T")


def save(detector: Detector, folder: Path) -> None:
    """Write a bundle; the old one stays whole until the new one is complete.

    Base weights are stored in half precision. A detector whose base weights are not already rounded to it would judge
    differently after loading, and is refused.

    Raises:
        BundleError: the base weights do not fit half precision exactly.
    """
    weights = _halved(detector.base.network)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    torch.save(weights, unfinished / BASE)
    torch.save(detector.metanet.state_dict(), unfinished / META)
    parts: dict[str, Any] = {
        SAMPLE: detector.calibration_sample,
        MAP: detector.latent_map,
    }
    for name, part in parts.items():
        if part is not None:
            write_arrays(unfinished / name, pack(part))
    for stem, state in detector.signals.state().items():
        write_arrays(unfinished / f"{stem}{STATE}", to_arrays(state))
    files = {path.name: _seal(path) for path in sorted(unfinished.iterdir())}
    card = json.dumps(_card(detector, files), indent=1, ensure_ascii=False)
    (unfinished / CARD).write_text(card + "\n", encoding="utf-8")
    swap_in(unfinished, folder)


def _halved(network: nn.Module) -> dict[str, torch.Tensor]:
    halved = {}
    for name, tensor in network.state_dict().items():
        halved[name] = tensor.half() if tensor.is_floating_point() else tensor
        if not torch.equal(halved[name].to(tensor.dtype), tensor):
            raise BundleError(f"{name}: not rounded to half precision; round the base weights before fitting.")
    return halved


def _seal(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _card(detector: Detector, files: Mapping[str, Any]) -> dict[str, Any]:
    certificate = detector.certificate
    return {
        "format": FORMAT,
        "name": detector.name,
        "title": detector.title,
        "architecture": detector.architecture,
        "dropout": detector.base.dropout,
        "classes": list(detector.classes),
        "preprocessing": asdict(detector.preprocessing),
        "signals": asdict(detector.signal_settings),
        "meta_names": list(detector.signals.names),
        "metanet": detector.metanet.shape,
        "calibration": {"method": "platt", **asdict(detector.calibration)},
        "threshold": detector.threshold,
        "certificate": None if certificate is None else certificate.to_dict(),
        "provenance": detector.provenance.to_dict(),
        "files": files,
    }


def load(folder: str | Path, *, network: nn.Module | None = None, head: str | None = None) -> Detector:
    """Read a bundle.

    Args:
        folder: the bundle's folder.
        network: for a bundle of a network of your own (architecture ``custom``), a network of the same shape; its
            weights are replaced by the bundle's.
        head: dotted name of that network's last ``nn.Linear``.

    Raises:
        BundleError: a file is missing, truncated, altered, or does not fit the others.
    """
    folder = find(Path(folder))
    card = _read_card(folder)
    try:
        return _assemble(folder, card, network, head)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
        raise BundleError(f"{folder / CARD}: does not fit the other files ({error}); get the bundle again.") from None


def load_base(folder: Path) -> tuple[Tapped, Provenance]:
    """Read the base classifier of a bundle of a built-in architecture alone, and how it was made.

    Raises:
        BundleError: the card or the weights are missing, truncated, altered, or do not fit each other.
    """
    folder = find(folder)
    card = _read_card(folder)
    try:
        base = _load_base(folder, card, len(card["preprocessing"]["mode"]), None, None)
        return base, _provenance(card)
    except SettingsError as error:
        raise BundleError(f"{folder / CARD}: {error}") from None
    except (KeyError, TypeError) as error:
        raise BundleError(f"{folder / CARD}: lacks {error}; get the bundle again.") from None


def _provenance(card: Mapping[str, Any]) -> Provenance:
    if "provenance" in card:
        return build(Provenance, card["provenance"])
    facts = {"created": card["created"], "versions": card["versions"]}  # as bundles held them until version 0.1
    return build(Provenance, card["card"] | facts)


def _assemble(folder: Path, card: dict[str, Any], network: nn.Module | None, head: str | None) -> Detector:
    preprocessing = build(Preprocessing, card["preprocessing"])
    settings = build(SignalSettings, card["signals"])
    classes = tuple(card["classes"])
    base = _load_base(folder, card, preprocessing.channels, network, head)
    signals = SignalSet.from_state(settings, head_of(base), base.taps, _States(folder, card))
    if list(signals.names) != card["meta_names"]:
        raise BundleError(f"{folder / CARD}: its signal names are not those that this version of REASON computes.")
    metanet = MetaNet(len(signals.names), **card["metanet"])
    metanet.load_state_dict(_load_weights(folder, META, card))
    platt = Platt(slope=card["calibration"]["slope"], intercept=card["calibration"]["intercept"])
    certificate = card["certificate"]
    return Detector(
        name=card["name"],
        title=card["title"],
        architecture=card["architecture"],
        classes=classes,
        base=base,
        engine=base,
        preprocessing=preprocessing,
        signal_settings=settings,
        signals=signals,
        metanet=metanet.eval().requires_grad_(False),
        calibration=platt,
        threshold=card["threshold"],
        certificate=None if certificate is None else Certificate(**certificate),
        calibration_sample=_load_sample(folder, card) if SAMPLE in card["files"] else None,
        latent_map=_load_map(folder, card) if MAP in card["files"] else None,
        provenance=_provenance(card),
    )


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read as JSON ({error}); get the bundle again.") from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else None
        raise BundleError(f"{path}: bundle format {found!r} is not {FORMAT}; train the bundle again.")
    return card


def _checked(folder: Path, name: str, card: Mapping[str, Any]) -> bytes:
    """Return a file's bytes if they are those that the card sealed."""
    path = folder / name
    seal = card["files"].get(name)
    if seal is None:
        raise BundleError(f"{folder / CARD}: does not list {name}, which its signals need; get the bundle again.")
    try:
        data = path.read_bytes()
    except OSError:
        raise BundleError(f"{path}: missing or unreadable; get the bundle again.") from None
    if len(data) != seal["bytes"]:
        raise BundleError(f"{path}: has {len(data)} bytes instead of {seal['bytes']}; get the bundle again.")
    if hashlib.sha256(data).hexdigest() != seal["sha256"]:
        raise BundleError(f"{path}: was altered (its SHA-256 is not the recorded one); get the bundle again.")
    return data


def _load_weights(folder: Path, name: str, card: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    data = _checked(folder, name, card)
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise BundleError(f"{folder / name}: not a weights file ({str(error).splitlines()[0]}).") from None
    return {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in state.items()}


def _load_base(
    folder: Path, card: Mapping[str, Any], channels: int, network: nn.Module | None, head: str | None
) -> Tapped:
    name, dropout = card["architecture"], card["dropout"]
    if name in ARCHITECTURES:
        network = make(name, len(card["classes"]), dropout, channels)
        base = tap(network, name, dropout)
    elif network is not None and head is not None:
        base = Tapped(network, head=head, dropout=dropout)
    else:
        raise BundleError(f"{folder / CARD}: architecture {name!r} is not built in; give load its network and head.")
    state = _load_weights(folder, BASE, card)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise BundleError(f"{folder / BASE}: does not fit architecture {name!r} ({reason}).") from None
    network.to(memory_format=torch.channels_last)
    return base.freeze()


def _load(kind: type[T], folder: Path, name: str, card: Mapping[str, Any]) -> T:
    """Read a dataclass of arrays."""
    return unpack(kind, read_arrays(_checked(folder, name, card), folder / name))


class _States(Mapping[str, State]):
    """What the signals have learned, by the stem of its file; each file is read when it is asked for."""

    def __init__(self, folder: Path, card: Mapping[str, Any]) -> None:
        self._folder, self._card = folder, card

    def __getitem__(self, stem: str) -> State:
        name = f"{stem}{STATE}"
        return to_state(read_arrays(_checked(self._folder, name, self._card), self._folder / name))

    def __iter__(self) -> Iterator[str]:
        return (name.removesuffix(STATE) for name in self._card["files"] if name.endswith(STATE))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _load_sample(folder: Path, card: Mapping[str, Any]) -> CalibrationSample:
    sample = _load(CalibrationSample, folder, SAMPLE, card)
    if len(sample.reliability) != len(sample.correct):
        raise BundleError(f"{folder / SAMPLE}: reliability and outcomes differ in number; get the bundle again.")
    return replace(sample, correct=sample.correct.astype(bool))


def _load_map(folder: Path, card: Mapping[str, Any]) -> LatentMap:
    latent_map = _load(LatentMap, folder, MAP, card)
    return replace(latent_map, correct=latent_map.correct.bool())
