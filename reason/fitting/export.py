"""Export a bundle's base classifier for another engine, and prove on the calibration images that it judges alike."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from reason import progress
from reason.base.engines import Engine
from reason.base.engines.choice import RUNTIMES, needs_torch, require
from reason.base.engines.export import export
from reason.bundle import card as cards
from reason.bundle import tensors
from reason.bundle.card import Card, FileSeal
from reason.bundle.engines import open_graph
from reason.bundle.folders import BASE, BF16_SAMPLE, CARD, GRAPH, find, swap_in
from reason.bundle.reading import load
from reason.bundle.shapes import CardChecks
from reason.bundle.states import pack
from reason.detector.detector import Detector
from reason.detector.proof import EngineProof
from reason.detector.risk import CalibrationSample
from reason.errors import BundleError, ConfigError, SettingsError
from reason.fitting.fitting_data import calibration_images, read_parts
from reason.signals import Requirement

BATCH = 8
"""Images that are judged together."""


def run(folder: Path, data_root: Path, name: str) -> EngineProof:
    """Export a bundle's base classifier, prove the engine, and put graph and proof into the bundle.

    Engines that were proved with the same graph stay proved.

    Args:
        folder: the bundle, of a built-in architecture and made by a recipe.
        data_root: folder that holds the data sets.
        name: key of ``reason.base.engines.choice.RUNTIMES``.

    Returns:
        The proof.

    Raises:
        BundleError: the bundle cannot be read or exported, or the engine does not judge as PyTorch does.
        ConfigError: the engine is not installed, or cannot give what the bundle's signals need.
        DatasetError: the data set is missing.
    """
    require(name)
    detector = load(folder, engine="torch")
    _refuse_gradient(detector, name)  # before a whole data set is read
    parts = read_parts(detector, data_root)
    recipe = detector.provenance.recipe
    assert recipe is not None  # read_parts refuses a bundle without one
    images = calibration_images(parts, recipe.target, recipe.seed)
    return add_engine(folder, detector, images.pixels, images.labels, name)


def add_engine(folder: Path, detector: Detector, pixels: torch.Tensor, labels: torch.Tensor, name: str) -> EngineProof:
    """Export, prove and write as ``run`` does, on calibration images that the caller knows.

    Args:
        folder: the bundle.
        detector: what ``reason.load`` returns of it with the torch engine.
        pixels: all images that its threshold was certified on, uint8 ``[n, channels, size, size]``.
        labels: their true classes ``[n]``.
        name: key of ``reason.base.engines.choice.RUNTIMES``.

    Raises:
        BundleError, ConfigError: see ``run``.
    """
    require(name)
    _refuse_gradient(detector, name)
    folder = find(folder)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(folder, unfinished)
    try:
        data = (folder / CARD).read_bytes()
        before = cards.parse(data, folder / CARD)
        engine = _export(detector, unfinished, before.files[BASE].sha256, name)
        proof, sample = prove(detector, engine, pixels, labels)
        card = _write(unfinished, before, json.loads(data), name, proof, sample)
        CardChecks(folder, card, detector.base).check()
        swap_in(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return proof


def _refuse_gradient(detector: Detector, name: str) -> None:
    if Requirement.GRADIENT in detector.signals.requires:
        raise ConfigError(f"engine {name}: {needs_torch(detector.name)}")


def _export(detector: Detector, folder: Path, weights: str, name: str) -> Engine:
    progress.say("export the base classifier")
    (folder / GRAPH).write_bytes(export(detector.tapped, detector.preprocessing.shape, folder / BASE))
    seal = _sealed(folder / GRAPH)
    return open_graph(
        folder,
        graph=seal.sha256,
        weights=weights,
        base=detector.base,
        preprocessing=detector.preprocessing,
        name=name,
    )


def _sealed(path: Path) -> FileSeal:
    data = path.read_bytes()
    return FileSeal(sha256=tensors.sha256(data), bytes=len(data), arrays={})


def prove(
    detector: Detector, engine: Engine, pixels: torch.Tensor, labels: torch.Tensor
) -> tuple[EngineProof, CalibrationSample]:
    """Compare an engine with the detector's own on calibration images.

    Args:
        detector: judges by PyTorch.
        engine: runs the same base classifier.
        pixels: calibration images, uint8 ``[n, channels, size, size]``.
        labels: their true classes ``[n]``.

    Returns:
        The proof, and what the engine says of the images.

    Raises:
        BundleError: the engine does not judge as PyTorch does.
    """
    expected = _sample(detector, pixels, labels, "by torch")
    found = _sample(dataclasses.replace(detector, engine=engine), pixels, labels, f"by {engine.name}")
    threshold, certificate = detector.threshold, detector.certificate
    if engine.precision == "bf16":
        guarantee = certificate and found.guarantee(certificate.risk, certificate.delta)
        threshold, certificate = (guarantee.threshold, guarantee.certificate) if guarantee else (threshold, None)
    own, other = expected.reliability >= detector.threshold, found.reliability >= threshold
    try:
        proof = EngineProof(
            precision=engine.precision,
            version=engine.version,
            n=len(labels),
            largest_difference=float(abs(expected.reliability - found.reliability).max()),
            agreement=float((own == other).mean()),
            threshold=threshold,
            certificate=certificate,
        )
    except SettingsError as error:
        raise BundleError(
            f"{detector.name}: {engine.name} does not judge as torch does on {len(labels)} calibration images, "
            f"so it is not exported ({str(error).rstrip('.')})."
        ) from None
    return proof, found


def _sample(detector: Detector, pixels: torch.Tensor, labels: torch.Tensor, how: str) -> CalibrationSample:
    reliability, predicted = [], []
    with progress.bar(f"judge the calibration images {how}", unit="images") as bar:
        bar.set(0, len(pixels))
        for batch in pixels.split(BATCH):
            evidence = detector.extract(batch)
            reliability.append(detector.judge(evidence).reliability)
            predicted.append(evidence.predicted)
            bar.advance(len(batch))
    return CalibrationSample(torch.cat(reliability).numpy(), (torch.cat(predicted) == labels).numpy())


def _write(
    folder: Path, before: Card, values: Mapping[str, Any], name: str, proof: EngineProof, sample: CalibrationSample
) -> Card:
    """Put the proof on the card, and beside it what an engine in bf16 says of the calibration images.

    Args:
        folder: holds the graph.
        before: the card as it was.
        values: the same as plain JSON, of which all that does not change keeps its digest.
        name: the engine.
        proof: of the engine.
        sample: what the engine says of the calibration images.
    """
    seal = _sealed(folder / GRAPH)
    kept = before.engines if before.files.get(GRAPH) == seal else {}
    engines = {known: values["engines"][known] for known in kept} | {name: proof.to_dict()}
    files = {**values["files"], GRAPH: seal.model_dump()}
    if proof.precision == "bf16":
        files[BF16_SAMPLE] = tensors.write(folder / BF16_SAMPLE, pack(sample)).model_dump()
    if not any(RUNTIMES[known].engine.precision == "bf16" for known in engines):
        files.pop(BF16_SAMPLE, None)
        (folder / BF16_SAMPLE).unlink(missing_ok=True)
    return cards.write(folder / CARD, {**values, "engines": engines, "files": files})
