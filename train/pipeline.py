"""The stages that turn a recipe into a bundle, each kept so that a stopped run can go on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from reason import bundle, datasets, progress, splits
from reason.backbones import Tapped
from reason.baselines import PARAMETER_FREE
from reason.datasets import ImageSet
from reason.detector import Detector
from reason.errors import RecipeError
from reason.evaluate import extracted
from reason.evidence import Evidence
from reason.fit import Labelled, extract, fit_detector, head_of, join
from reason.judge import Judge
from reason.signals import Head
from reason.splits import Protocol
from train import ablation
from train import recipe as recipes
from train.augment import jittered, random_crops
from train.base import Trainer, preprocessing_of
from train.device import choose
from train.recipe import Recipe

RUNS = Path("runs")
"""Folder of unfinished work, one subfolder a recipe."""

CHECKPOINT = "base.checkpoint"
EVIDENCE = "evidence.pt"
SEEDS_APART = 1000
"""Corruption seeds of one recipe seed: each draw has its own, and the calibration images the last."""
CALIBRATION_DRAW = SEEDS_APART - 1

LABELLED = ("bank", "meta", "calibration")


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The disjoint parts of the train images."""

    base: ImageSet
    meta: ImageSet
    calibration: ImageSet


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
) -> Path:
    """Train what the recipe says, measure it on the test split, and write its bundle.

    Args:
        recipe_path: a TOML file, see ``train.recipe``.
        data_root: folder that holds the data set.
        device: ``auto``, ``cpu`` or ``cuda``; for the base classifier, all else runs on the CPU.
        seed: replaces the recipe's.
        output: the bundle's folder; ``reason_saved/<name>`` by default.
        download: fetch the data set when it is missing.
        resume: go on with a stopped run of the same recipe, seed and data.
        weights: replaces the recipe's ``base.weights``.

    Returns:
        The bundle's folder.

    Raises:
        RecipeError: the recipe is wrong, or does not fit the run to resume.
        DatasetError: the data set is missing.
        ConfigError: the device cannot be used.
    """
    recipe = _override(recipes.read(recipe_path), seed, weights)
    where = choose(device)
    images = _read(recipe, data_root, download)
    parts = split(recipe, images)
    work = RUNS / recipe.name
    _claim(work, recipe, images, resume)
    base, history = _train_base(recipe, parts, work, where)
    evidence = _extract(recipe, base, parts, work)
    card = _card(recipe, images, parts, history)
    detector = _fit(recipe, base, images.classes, evidence, card)
    detector = _measure(recipe, detector, evidence, data_root)
    folder = output or Path("reason_saved") / recipe.name
    bundle.save(detector, folder)
    progress.say(f"bundle: {folder}")
    return folder


def _override(recipe: Recipe, seed: int | None, weights: str | None) -> Recipe:
    if seed is not None:
        recipe = dataclasses.replace(recipe, seed=seed)
    if weights == "imagenet":
        base = dataclasses.replace(recipe.base, weights="imagenet", architecture="resnet50")
    elif weights == "none":
        base = dataclasses.replace(recipe.base, weights="none")
    else:
        return recipe
    return dataclasses.replace(recipe, base=base)


def _read(recipe: Recipe, data_root: Path, download: bool) -> ImageSet:
    images = datasets.read(recipe.data.dataset, data_root, "train", preprocessing_of(recipe), download=download)
    if images.skipped:
        progress.say(f"{len(images.skipped)} of the train images could not be decoded and were left out")
    return images


def split(recipe: Recipe, images: ImageSet) -> Parts:
    """Split the train images by class into base-train, meta-fit and calibration."""
    shares = (recipe.data.base_share, recipe.data.meta_share)
    return Parts(*(images.take(rows) for rows in datasets.split(images.labels, shares, recipe.seed)))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dataclasses.asdict).encode()).hexdigest()


def _claim(work: Path, recipe: Recipe, images: ImageSet, resume: bool) -> None:
    """Make the work folder belong to this recipe and data; refuse to resume another run."""
    mark = _digest(recipe.data, recipe.base, recipe.seed, images.fingerprint())
    file = work / "fingerprint"
    if not resume:
        for leftover in ("fingerprint", CHECKPOINT, EVIDENCE):
            (work / leftover).unlink(missing_ok=True)
    elif file.is_file() and file.read_text() != mark:
        raise RecipeError(
            f"--resume: {work} holds a run of another recipe, seed or data set; drop --resume to start afresh."
        )
    work.mkdir(parents=True, exist_ok=True)
    file.write_text(mark)


def _train_base(recipe: Recipe, parts: Parts, work: Path, device: torch.device) -> tuple[Tapped, list[dict[str, Any]]]:
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
    return trainer.trained(), [dataclasses.asdict(report) for report in trainer.history]


@dataclasses.dataclass(frozen=True, slots=True)
class PartEvidence:
    """The head, and the evidence of each part.

    ``meta`` holds the meta-fit images in ``MetaFit.blocks`` blocks, the clean one first where it is learned from.
    """

    head: Head
    bank: Labelled
    meta: Labelled
    calibration: Labelled


def _extract(recipe: Recipe, base: Tapped, parts: Parts, work: Path) -> PartEvidence:
    """Run the base classifier over every part, or read what an earlier run of the same recipe extracted."""
    gradient = "gradient" in recipe.signals.families
    mark = _digest((work / "fingerprint").read_text(), recipe.meta_fit, recipe.corruption, gradient)
    if (work / EVIDENCE).is_file() and torch.load(work / EVIDENCE, weights_only=True, mmap=True)["mark"] == mark:
        progress.say("evidence: extracted already")
        return load_evidence(work)
    preprocessing = preprocessing_of(recipe)

    def of(title: str, images: ImageSet, gradient: bool) -> Labelled:
        with progress.bar(f"evidence of {title}") as bar:
            return extract(base, preprocessing, images, gradient=gradient, progress=bar.over)

    blocks = [of("meta-fit", parts.meta, gradient)] if recipe.meta_fit.clean else []
    generator = torch.Generator().manual_seed(recipe.seed)
    for draw in range(recipe.meta_fit.draws):
        copies = _corrupted(recipe, _augmented(recipe, parts.meta, generator), draw)
        blocks.append(of(f"meta-fit, draw {draw + 1}", copies, gradient))
    evidence = PartEvidence(
        head=head_of(base),
        bank=of("base-train", parts.base, False),
        meta=join(blocks),
        calibration=of("calibration", _corrupted(recipe, parts.calibration, CALIBRATION_DRAW), gradient),
    )
    tables = {name: _table(getattr(evidence, name)) for name in LABELLED}
    torch.save({"mark": mark, "head": dataclasses.asdict(evidence.head), **tables}, work / EVIDENCE)
    return evidence


def load_evidence(work: Path) -> PartEvidence:
    """Read the evidence of a run from its work folder."""
    stored = torch.load(work / EVIDENCE, weights_only=True)
    return PartEvidence(Head(**stored["head"]), *(_labelled(stored[name]) for name in LABELLED))


def _augmented(recipe: Recipe, images: ImageSet, generator: torch.Generator) -> ImageSet:
    settings = recipe.meta_fit
    crops = random_crops(
        images.pixels, recipe.data.size, generator, smallest_area=settings.crop_area, mirror=settings.mirror
    )
    pixels = jittered(crops, generator, strength=settings.colour_jitter).round().byte()
    return dataclasses.replace(images, pixels=pixels)


def _corrupted(recipe: Recipe, images: ImageSet, draw: int) -> ImageSet:
    if recipe.corruption.chance == 0:
        return images
    seed = recipe.seed * SEEDS_APART + draw
    return datasets.corrupted(images, recipe.corruption.types, seed, chance=recipe.corruption.chance)


def _table(labelled: Labelled) -> dict[str, Any]:
    return {
        "evidence": {item.name: getattr(labelled.evidence, item.name) for item in dataclasses.fields(Evidence)},
        "labels": labelled.labels,
        "sources": list(labelled.sources),
        "corruptions": list(labelled.corruptions),
        "severities": labelled.severities,
    }


def _labelled(table: dict[str, Any]) -> Labelled:
    return Labelled(
        Evidence(**table["evidence"]),
        table["labels"],
        tuple(table["sources"]),
        tuple(table["corruptions"]),
        table["severities"],
    )


def _card(recipe: Recipe, images: ImageSet, parts: Parts, history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the facts about how the bundle was made, as plain JSON."""
    return {
        "recipe": json.loads(json.dumps(dataclasses.asdict(recipe))),
        "split": {
            "seed": recipe.seed,
            "data_sha256": images.fingerprint(),
            "skipped": list(images.skipped),
            **{
                item.name: {"n": len(part), "sources_sha256": _digest(part.sources)}
                for item in dataclasses.fields(parts)
                for part in [getattr(parts, item.name)]
            },
        },
        "history": history,
    }


def _fit(
    recipe: Recipe, base: Tapped, classes: tuple[str, ...], evidence: PartEvidence, card: dict[str, Any]
) -> Detector:
    return fit_detector(
        recipe.name,
        base,
        preprocessing_of(recipe),
        classes,
        bank=evidence.bank,
        meta=evidence.meta,
        calibration=evidence.calibration,
        signals=dataclasses.replace(recipe.signals, seed=recipe.seed),
        metanet_settings=recipe.metanet,
        risk=recipe.threshold.risk,
        delta=recipe.threshold.delta,
        seed=recipe.seed,
        architecture=recipe.base.architecture,
        title=recipe.title,
        card=card,
    )


def _measure(recipe: Recipe, detector: Detector, evidence: PartEvidence, data_root: Path) -> Detector:
    """Put the numbers on the test split, and the ablation, into the card."""
    judge = Judge(detector, PARAMETER_FREE)
    numbers: dict[str, Any] = {}
    protocol = Protocol.of(detector)
    for part in splits.own_splits(protocol, splits.read_test(protocol, detector, data_root)):
        test = extracted(detector, part.images, f"test, {part.name}")
        numbers[part.name] = row = judge.measure(judge.judge(test))
        progress.say(
            f"test, {part.name}: accuracy {row['accuracy']:.4f}, AUROC {row['scores']['REASON']['auroc']:.4f} "
            f"(MSP {row['scores']['MSP']['auroc']:.4f}), ECE {row['reliability']['ece_15']:.4f}"
        )
    # The last split is the one that the bundle is made for.
    numbers["ablation"] = ablation.compare(detector, evidence.meta, test, recipe.metanet, recipe.seed)
    return dataclasses.replace(detector, card={**detector.card, "metrics": numbers})
