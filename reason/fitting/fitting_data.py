"""What a bundle is fitted on: the disjoint parts of the train images, and the copies that the MetaNet learns from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from reason.base.evidence import Labelled, join
from reason.base.extraction import Extractor
from reason.data import datasets, image_set
from reason.data.augment import jittered, random_crops
from reason.data.image_set import ImageSet
from reason.detector.detector import Detector
from reason.detector.recipe import CorruptionMix, MetaFit
from reason.errors import BundleError

SEEDS_APART = 1000
"""Corruption seeds of one recipe seed: each block of copies has its own, and the calibration images the last."""
CALIBRATION_SEED = SEEDS_APART - 1
CORRUPTED_SEEDS = 100
"""Where the seeds of the copies with ``MetaFit.corruptions`` start."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The disjoint parts of the train images."""

    base: ImageSet
    """What the base classifier, the PCA, the bank and the baselines' distances learn from."""
    meta: ImageSet
    """What the MetaNet learns from."""
    calibration: ImageSet
    """What the calibration and the threshold come from."""

    @classmethod
    def split(cls, images: ImageSet, shares: tuple[float, float], seed: int) -> Parts:
        """Split the train images by class.

        Args:
            images: all train images.
            shares: of base and meta; calibration takes the rest.
            seed: seed of the split.
        """
        return cls(*(images.take(rows) for rows in image_set.split(images.labels, shares, seed)))


@dataclass(frozen=True, slots=True)
class FittingData:
    """Evidence of everything that a fit learns from."""

    bank: Labelled
    """Base-train images, without gradient or views."""
    meta: Labelled
    """``MetaFit.blocks`` blocks of the meta-fit images, all in the same order, the clean one first if there is one."""
    calibration: Labelled
    """Calibration images, drawn from the target distribution."""


def read_parts(detector: Detector, data_root: Path) -> Parts:
    """Read the train images that a bundle was fitted on, and split them as its recipe did.

    Raises:
        BundleError: no recipe made the bundle, or the train images are not those that its card tells of.
        DatasetError: the data set is missing.
    """
    recipe, split = detector.provenance.recipe, detector.provenance.split
    if recipe is None or split is None:
        raise BundleError(f"{detector.name}: no recipe made it, so its train images are not known.")
    images = datasets.read(recipe.data.dataset, data_root, "train", detector.preprocessing)
    if images.fingerprint() != split.data_sha256:
        raise BundleError(f"{detector.name}: the train images in {data_root} are not those it was fitted on.")
    return Parts.split(images, (recipe.data.base_share, recipe.data.meta_share), split.seed)


def calibration_images(parts: Parts, target: CorruptionMix, seed: int) -> ImageSet:
    """Return the calibration images, drawn from the target distribution; the same seed draws the same ones."""
    return _corrupted(parts.calibration, target, seed * SEEDS_APART + CALIBRATION_SEED)


def gather(extract: Extractor, parts: Parts, meta_fit: MetaFit, target: CorruptionMix, seed: int) -> FittingData:
    """Make the copies and extract the evidence of all of them; the same seed makes the same ones.

    Args:
        extract: of the base classifier.
        parts: the split train images.
        meta_fit: which copies of the meta-fit images the MetaNet learns from.
        target: how the calibration images are corrupted.
        seed: seed of all copies.

    Raises:
        CorruptionError: a corruption is not known.
    """
    calibration = calibration_images(parts, target, seed)
    return FittingData(
        bank=gather_bank(extract, parts),
        meta=gather_meta(extract, parts, meta_fit, target, seed),
        calibration=extract(calibration, "calibration"),
    )


def gather_bank(extract: Extractor, parts: Parts) -> Labelled:
    """Return the evidence of ``FittingData.bank`` alone."""
    return extract(parts.base, "base-train", bare=True)


def gather_meta(extract: Extractor, parts: Parts, meta_fit: MetaFit, target: CorruptionMix, seed: int) -> Labelled:
    """Return the evidence of ``FittingData.meta`` alone; see ``gather``."""
    return join([extract(images, title) for title, images in _blocks(parts.meta, meta_fit, target, seed)])


def _blocks(images: ImageSet, meta_fit: MetaFit, target: CorruptionMix, seed: int) -> Iterator[tuple[str, ImageSet]]:
    if meta_fit.clean:
        yield "meta-fit", images
    generator = torch.Generator().manual_seed(seed)
    for number in range(meta_fit.augmented):
        crops = random_crops(images.pixels, images.pixels.shape[-1], generator, smallest_area=meta_fit.crop_area)
        pixels = jittered(crops, generator, strength=meta_fit.colour_jitter).round().byte()
        yield f"meta-fit, augmented {number + 1}", dataclasses.replace(images, pixels=pixels)
    for number in range(meta_fit.on_target):
        yield f"meta-fit, on target {number + 1}", _corrupted(images, target, seed * SEEDS_APART + number)
    for number in range(meta_fit.corrupted):
        mix = CorruptionMix(meta_fit.corruptions, 1.0)
        first = seed * SEEDS_APART + CORRUPTED_SEEDS
        yield f"meta-fit, corrupted {number + 1}", _corrupted(images, mix, first + number)


def _corrupted(images: ImageSet, mix: CorruptionMix, seed: int) -> ImageSet:
    return image_set.corrupted(images, mix.types, seed, chance=mix.chance) if mix.chance else images
