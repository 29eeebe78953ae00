"""What a bundle is fitted on: the disjoint parts of the train images, and the copies that the MetaNet learns from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from reason.base.evidence import Labelled, join
from reason.base.extraction import Extractor
from reason.data import datasets
from reason.data.augment import jittered, random_crops
from reason.data.datasets import ImageSet

SEEDS_APART = 1000
"""Corruption seeds of one recipe seed: each block of copies has its own, and the calibration images the last."""
CALIBRATION_SEED = SEEDS_APART - 1
CORRUPTED_SEEDS = 100
"""Where the seeds of the copies with ``MetaFit.corruptions`` start."""


@dataclass(frozen=True, slots=True)
class CorruptionMix:
    """How the images differ from the data set's that a bundle is made for; by default they do not."""

    types: tuple[str, ...] = ()
    """Names of corruptions, drawn uniformly, each with a severity uniform in [0, 1]."""
    chance: float = 0.0
    """Share of the images that are corrupted, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class MetaFit:
    """What the MetaNet is fitted on: blocks of copies of the meta-fit images, together."""

    clean: bool = True
    """Whether the images themselves are a block."""
    augmented: int = 0
    """Blocks of randomly cropped, mirrored and jittered copies: more errors to learn from."""
    crop_area: float = 1.0
    """Smallest share of the picture that such a copy keeps, in (0, 1]."""
    colour_jitter: float = 0.0
    """Largest relative change of brightness, contrast and saturation in such a copy, in [0, 1]."""
    at_home: int = 0
    """Blocks shifted as the images are that the bundle is made for."""
    corrupted: int = 0
    """Blocks in which every copy has one of ``corruptions``."""
    corruptions: tuple[str, ...] = ()
    """Names of corruptions, drawn uniformly, each with a severity uniform in [0, 1]."""

    @property
    def blocks(self) -> int:
        """How many times each meta-fit image is learned from."""
        return self.clean + self.augmented + self.at_home + self.corrupted


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
        return cls(*(images.take(rows) for rows in datasets.split(images.labels, shares, seed)))


@dataclass(frozen=True, slots=True)
class FittingData:
    """Evidence of everything that a fit learns from."""

    bank: Labelled
    """Base-train images, without gradient or views."""
    meta: Labelled
    """``MetaFit.blocks`` blocks of the meta-fit images, all in the same order, the clean one first if there is one."""
    calibration: Labelled
    """Calibration images, shifted as the images are that the bundle is made for."""


def gather(extract: Extractor, parts: Parts, meta_fit: MetaFit, home: CorruptionMix, seed: int) -> FittingData:
    """Make the copies and extract the evidence of all of them; the same seed makes the same ones."""
    return FittingData(
        bank=extract(parts.base, "base-train", bare=True),
        meta=join([extract(images, title) for title, images in _blocks(parts.meta, meta_fit, home, seed)]),
        calibration=extract(_shifted(parts.calibration, home, seed * SEEDS_APART + CALIBRATION_SEED), "calibration"),
    )


def _blocks(images: ImageSet, meta_fit: MetaFit, home: CorruptionMix, seed: int) -> Iterator[tuple[str, ImageSet]]:
    if meta_fit.clean:
        yield "meta-fit", images
    generator = torch.Generator().manual_seed(seed)
    for number in range(meta_fit.augmented):
        crops = random_crops(images.pixels, images.pixels.shape[-1], generator, smallest_area=meta_fit.crop_area)
        pixels = jittered(crops, generator, strength=meta_fit.colour_jitter).round().byte()
        yield f"meta-fit, augmented {number + 1}", dataclasses.replace(images, pixels=pixels)
    for number in range(meta_fit.at_home):
        yield f"meta-fit, at home {number + 1}", _shifted(images, home, seed * SEEDS_APART + number)
    everywhere = CorruptionMix(meta_fit.corruptions, 1.0)
    for number in range(meta_fit.corrupted):
        first = seed * SEEDS_APART + CORRUPTED_SEEDS
        yield f"meta-fit, corrupted {number + 1}", _shifted(images, everywhere, first + number)


def _shifted(images: ImageSet, shift: CorruptionMix, seed: int) -> ImageSet:
    return datasets.corrupted(images, shift.types, seed, chance=shift.chance) if shift.chance else images
