"""The stages that turn a recipe into a bundle, each kept so that a stopped run can go on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from reason import progress
from reason.base.device import choose, full_precision
from reason.base.engines import Tapped
from reason.base.extraction import CACHE, Extractor
from reason.bundle import reading, writing
from reason.bundle.folders import claim
from reason.data import datasets
from reason.data.image_set import ImageSet
from reason.detector.detector import Detector
from reason.detector.provenance import EpochReport, PartRecord, Provenance, SplitRecord
from reason.detector.recipe import Recipe
from reason.errors import RecipeError, SettingsError
from reason.fitting import fit_parts as fitting
from reason.fitting import recipe as recipes
from reason.fitting.fitting_data import FittingData, Parts, gather
from reason.fitting.trainer import Trainer

RUNS = Path("runs")
"""Folder of unfinished work, one subfolder a recipe."""

CHECKPOINT = "base.checkpoint"

Measure = Callable[[Detector, Extractor, Path], Mapping[str, Any]]
"""``measure(detector, extract, data_root)`` returns figures on test images, by split; plain JSON."""


def run(
    recipe_path: Path,
    *,
    data_root: Path,
    device: str = "auto",
    seed: int | None = None,
    output: Path | None = None,
    download: bool = False,
    resume: bool = False,
    weights: str | None = None,
    base: Path | None = None,
    measure: Measure | None = None,
) -> Path:
    """Train what the recipe says, measure it, and write its bundle.

    Args:
        recipe_path: a TOML file, see ``reason.fitting.recipe``.
        data_root: folder that holds the data set.
        device: where the base classifier is trained and its evidence extracted, see ``reason.base.device.choose``; all
            else runs on the CPU.
        seed: replaces the recipe's.
        output: the bundle's folder; ``reason_saved/<name>`` by default.
        download: fetch the data set when it is missing.
        resume: go on with a stopped run of the same recipe, seed and data.
        weights: replaces the recipe's ``base.weights``.
        base: a bundle of the same ``[base]``, seed and data, whose base classifier is taken instead of training one.
        measure: returns the figures that the card keeps; without it the card keeps none.

    Returns:
        The bundle's folder.

    Raises:
        RecipeError: the recipe is wrong, or does not fit the run to resume.
        DatasetError: the data set is missing.
        ConfigError: the device cannot be used.
        BundleError: the folder holds something else than a bundle.
    """
    if base and resume:
        raise RecipeError(
            "--base takes a trained base classifier, so there is nothing to --resume; drop one of the two."
        )
    recipe = _override(recipes.read(recipe_path), seed, weights)
    folder = output or Path("reason_saved") / recipe.name
    claim(folder)  # before hours of training
    where = choose(device)
    images = read_images(recipe, data_root, download)
    parts = split(recipe, images)
    work = RUNS / recipe.name
    if base is None:
        _claim(work, recipe, images, resume)
    network, history = base_of(recipe, parts, base) if base else _train_base(recipe, parts, work, where)
    provenance = Provenance(recipe, _split_record(recipe, images, parts), history)
    with full_precision():
        extract = extractor(recipe, network.to(where))
        data = gather(extract, parts, recipe.meta_fit, recipe.target, recipe.seed)
        detector = _fit(recipe, network, images.classes, data, provenance)
        if measure is not None:
            provenance = dataclasses.replace(provenance, metrics=measure(detector, extract, data_root))
            detector = dataclasses.replace(detector, provenance=provenance)
    network.to("cpu")
    writing.save(detector, folder)
    progress.say(f"bundle: {folder}")
    return folder


def extractor(recipe: Recipe, base: Tapped) -> Extractor:
    """Return the extractor of what the recipe's signals read, which keeps the evidence for the next run."""
    return fitting.extractor(base, recipe.data.preprocessing, recipe.signals, CACHE)


def _override(recipe: Recipe, seed: int | None, weights: str | None) -> Recipe:
    if seed is not None:
        recipe = dataclasses.replace(recipe, seed=seed)
    if weights == "imagenet":
        base = dataclasses.replace(recipe.base, weights="imagenet", architecture="resnet50")
    elif weights == "none":
        base = dataclasses.replace(recipe.base, weights="none")
    else:
        return recipe
    try:
        return dataclasses.replace(recipe, base=base)
    except SettingsError as error:
        raise RecipeError(f"--weights {weights}: {error}") from None


def read_images(recipe: Recipe, data_root: Path, download: bool) -> ImageSet:
    """Read the train images of the recipe's data set."""
    return datasets.read(recipe.data.dataset, data_root, "train", recipe.data.preprocessing, download=download)


def split(recipe: Recipe, images: ImageSet) -> Parts:
    """Split the train images by class into base-train, meta-fit and calibration."""
    return Parts.split(images, (recipe.data.base_share, recipe.data.meta_share), recipe.seed)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dataclasses.asdict).encode()).hexdigest()


def _claim(work: Path, recipe: Recipe, images: ImageSet, resume: bool) -> None:
    """Make the work folder belong to this recipe and data; refuse to resume another run."""
    mark = _digest(recipe.data, recipe.base, recipe.seed, images.fingerprint())
    file = work / "fingerprint"
    if not resume:
        for leftover in ("fingerprint", CHECKPOINT):
            (work / leftover).unlink(missing_ok=True)
    elif file.is_file() and file.read_text() != mark:
        raise RecipeError(
            f"--resume: {work} holds a run of another recipe, seed or data set; drop --resume to start afresh."
        )
    work.mkdir(parents=True, exist_ok=True)
    file.write_text(mark)


def _train_base(
    recipe: Recipe, parts: Parts, work: Path, device: torch.device
) -> tuple[Tapped, tuple[EpochReport, ...]]:
    """Train the base classifier, or go on with it; return it with a report of each epoch."""
    trainer = Trainer(recipe, parts.base, parts.meta, work / CHECKPOINT, device)
    if trainer.resume():
        progress.say(f"base: {len(trainer.history)} of {len(trainer.epochs)} epochs were done already")
    with progress.bar("train the base", unit="images") as bar:
        for report in trainer.run(bar.set):
            progress.say(
                f"base: epoch {report.epoch} of {len(trainer.epochs)} at {report.size} px, "
                f"loss {report.loss:.3f}, held-out accuracy {report.accuracy:.4f}"
            )
    return trainer.trained(), tuple(trainer.history)


def base_of(recipe: Recipe, parts: Parts, folder: Path) -> tuple[Tapped, tuple[EpochReport, ...]]:
    """Return the base classifier of a bundle, and the report of each epoch of its training.

    Raises:
        RecipeError: it was trained otherwise, or on other images: some of those that it is judged on, perhaps.
    """
    network, provenance = reading.load_base(folder)
    if provenance.recipe is None or provenance.recipe.base != recipe.base:
        raise RecipeError(f"--base: the base classifier of {folder} was trained by another [base]; drop --base.")
    if provenance.split is None or provenance.split.base != _part_record(parts.base):
        raise RecipeError(f"--base: the base classifier of {folder} was trained on other images; drop --base.")
    return network, provenance.history


def _part_record(images: ImageSet) -> PartRecord:
    return PartRecord(len(images), _digest(images.sources))


def _split_record(recipe: Recipe, images: ImageSet, parts: Parts) -> SplitRecord:
    return SplitRecord(
        seed=recipe.seed,
        data_sha256=images.fingerprint(),
        skipped=tuple(images.skipped),
        base=_part_record(parts.base),
        meta=_part_record(parts.meta),
        calibration=_part_record(parts.calibration),
    )


def _fit(recipe: Recipe, base: Tapped, classes: tuple[str, ...], data: FittingData, provenance: Provenance) -> Detector:
    return fitting.fit_parts(
        recipe.name,
        base,
        recipe.data.preprocessing,
        classes,
        bank=data.bank,
        meta=data.meta,
        calibration=data.calibration,
        signals=dataclasses.replace(recipe.signals, seed=recipe.seed),
        metanet=recipe.metanet,
        risk=recipe.threshold.risk,
        delta=recipe.threshold.delta,
        seed=recipe.seed,
        architecture=recipe.base.architecture,
        title=recipe.title,
        provenance=provenance,
    )
