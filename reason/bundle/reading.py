"""A Detector from a folder: no code in it is ever run, and nothing is allocated before it is checked.

What an engine is given is a graph of arithmetic alone, see ``reason.base.engines.graph``.
"""

from __future__ import annotations

from pathlib import Path

from torch import nn

from reason.base.arrays import ArrayBase
from reason.base.base import BaseClassifier
from reason.base.device import choose as choose_device
from reason.base.engines import Engine, Tapped
from reason.base.engines.choice import TORCH, choose, choose_for_graph
from reason.base.graphs.base import GraphBase
from reason.bundle import card as cards
from reason.bundle import tensors
from reason.bundle.base import fill, made_from_arguments, rebuilt, unfilled
from reason.bundle.card import Card
from reason.bundle.carried import carried, is_carried, read_weights
from reason.bundle.engines import open_graph
from reason.bundle.faults import broken
from reason.bundle.folders import BASE, BF16_SAMPLE, CARD, GRAPH, MAP, META, SAMPLE, find
from reason.bundle.shapes import CLASSES, CardChecks, unfitted_head
from reason.bundle.states import StoredStates, unpack
from reason.bundle.values import check_base, check_direction, check_head, check_map, check_sample
from reason.detector.calibration import Platt
from reason.detector.detector import Detector
from reason.detector.heads import ReliabilityHead
from reason.detector.latent import LatentMap
from reason.detector.provenance import Provenance
from reason.detector.risk import CalibrationSample
from reason.errors import BundleError
from reason.signals import Requirement, SignalSet


def load(
    folder: str | Path,
    *,
    engine: str = "auto",
    device: str = "cpu",
    exact: bool = False,
    network: nn.Module | None = None,
    head: str | None = None,
) -> Detector:
    """Read a bundle.

    Args:
        folder: the bundle's folder.
        engine: what runs the base classifier, one of ``reason.base.engines.choice.ENGINES``; ``auto`` takes the fastest
            that is installed, that the bundle was proved with and that gives what its signals need.
        device: where PyTorch runs it: ``cpu``, ``cuda``, or ``auto`` for a GPU that is there.
        exact: whether ``auto`` leaves out engines whose verdicts may differ from those of PyTorch by more than 1e-4.
        network: for a bundle of a network of your own (architecture ``custom``), a network of the same shape; it
            is copied and stays as it is.
        head: dotted name of that network's last ``nn.Linear``.

    Raises:
        BundleError: a file is missing, truncated or altered, holds what no bundle holds, or does not fit the others.
        ConfigError: the engine is not installed or may not run this bundle, or the device cannot be used.
    """
    folder = find(Path(folder))
    card = cards.read(folder / CARD)
    where = choose_device("cpu" if is_carried(card) and device == "auto" else device)
    base = carried(folder, card) if is_carried(card) else unfilled(folder, card, network, head)
    CardChecks(folder, card, base).check()
    latent_map = _read_map(folder, card)
    reliability_head = _read_head(folder, card)
    base = read_weights(folder, card, base) if isinstance(base, GraphBase) else _read_base(folder, card, base)
    signals = _read_signals(folder, card, base)
    _check_latent(folder, latent_map, signals, base)
    check_direction(folder / CARD, reliability_head, signals)
    gradient = Requirement.GRADIENT in signals.requires
    if isinstance(base, GraphBase):
        name = choose_for_graph(engine, where.type, bundle=card.name, gradient=gradient)
        runs = _open(folder, card, base, name)
    else:
        name = choose(engine, where.type, bundle=card.name, proved=card.engines, gradient=gradient, exact=exact)
        runs = base.to(where) if name == TORCH else _open(folder, card, base, name)
    own = card.engines.get(name, card)
    return Detector(
        name=card.name,
        title=card.title,
        digest=card.digest,
        architecture=card.architecture,
        arguments=card.arguments,
        head_module=card.head_module,
        classes=card.classes,
        base=base,
        engine=runs,
        preprocessing=card.preprocessing,
        signal_settings=card.signals,
        signals=signals,
        head=reliability_head,
        calibration=Platt(card.calibration.slope, card.calibration.intercept),
        threshold=own.threshold,
        certificate=own.certificate,
        calibration_sample=_read_sample(folder, card, runs),
        latent_map=latent_map,
        provenance=card.provenance,
        engine_proofs=card.engines,
    )


def architecture_of(folder: Path) -> str:
    """Return the architecture that a bundle's card names; nothing but the card is read.

    Raises:
        BundleError: the card is missing, altered, or holds what no card holds.
    """
    return cards.read(find(folder) / CARD).architecture


def load_base(folder: Path) -> tuple[Tapped, Provenance]:
    """Read the base classifier of a bundle of a built-in architecture alone, and how it was made.

    Raises:
        BundleError: the card or the weights are missing or altered, hold what no bundle holds, or do not fit.
    """
    folder = find(folder)
    card = cards.read(folder / CARD)
    base = unfilled(folder, card, None, None)
    CardChecks(folder, card, base).check()
    base = _read_base(folder, card, base)
    if isinstance(base, ArrayBase):
        raise BundleError(f"{folder}: holds no base classifier, only what judges one that ran elsewhere.")
    return base, card.provenance


def _open(folder: Path, card: Card, base: BaseClassifier, name: str) -> Engine:
    seals, preprocessing = card.files, card.preprocessing
    graph, weights = seals[GRAPH].sha256, seals[BASE].sha256
    batch = base.files.batch if isinstance(base, GraphBase) else None
    return open_graph(
        folder, graph=graph, weights=weights, base=base, preprocessing=preprocessing, name=name, batch=batch
    )


def _read_base(folder: Path, card: Card, base: Tapped | ArrayBase) -> Tapped | ArrayBase:
    weights = tensors.read(folder / BASE, card.files[BASE])
    check_base(folder / BASE, weights)
    if isinstance(base, Tapped) and made_from_arguments(card):
        return rebuilt(folder, card, weights)
    return fill(base, weights)


def _read_head(folder: Path, card: Card) -> ReliabilityHead:
    state = tensors.aligned(tensors.read(folder / META, card.files[META]))
    check_head(folder / META, card, state)
    head = unfitted_head(card)
    head.load_state_dict({name: tensor for name, tensor in state.items() if name != CLASSES}, assign=True)
    return head.frozen()


def _read_sample(folder: Path, card: Card, engine: Engine) -> CalibrationSample | None:
    """Return what the engine, or PyTorch, says of the calibration images."""
    own = card.engines.get(engine.name, card)
    name = BF16_SAMPLE if engine.precision == "bf16" else SAMPLE
    if name not in card.files:
        return None
    arrays = tensors.aligned(tensors.read(folder / name, card.files[name]))
    check_sample(folder / name, own.certificate, own.threshold, arrays)
    return unpack(CalibrationSample, arrays)


def _read_map(folder: Path, card: Card) -> LatentMap | None:
    if MAP not in card.files:
        return None
    arrays = tensors.aligned(tensors.read(folder / MAP, card.files[MAP]))
    check_map(folder / MAP, arrays)
    return unpack(LatentMap, arrays)


def _read_signals(folder: Path, card: Card, base: BaseClassifier) -> SignalSet:
    states = StoredStates(folder, card)
    try:
        signals = SignalSet.from_state(card.signals, base.classifier_head(), base.taps, states)
    except ValueError as error:  # a family does not fit the architecture, or its state does not fit it
        raise broken(folder / CARD, f"its signals do not fit the other parts ({str(error).rstrip('.')})") from None
    if signals.names != card.meta_names:
        raise broken(folder / CARD, "its signal names are not those that this version of REASON computes")
    return signals


def _check_latent(folder: Path, latent_map: LatentMap | None, signals: SignalSet, base: BaseClassifier) -> None:
    """Compare the width of the map with what is drawn on it, see ``reason.detector.latent.latent_of``."""
    width = sum(tap.channels for tap in signals.read_taps) or base.features
    if latent_map is not None and len(latent_map.mean) != width:
        raise broken(folder / MAP, f"mean has {len(latent_map.mean)} numbers for {width} features")
