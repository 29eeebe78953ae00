"""The test splits of a bundle: clean, corrupted as its fit saw and as it did not, and out of distribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reason import progress
from reason.data import datasets
from reason.data.corruptions import CORRUPTIONS, families
from reason.data.image_set import ImageSet, corrupted
from reason.data.labels import CLEAN
from reason.detector.detector import Detector
from reason.detector.fit_record import FitSettings
from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.recipe import CorruptionMix, MetaFit
from reason.errors import BundleError, DatasetError
from reason.evaluation.report import SplitKind

SEED = 2026
"""Seed of every corruption of test images."""

TARGET = "target distribution"
"""Name of the split of images corrupted as those are that the bundle is made for."""

MOST_CORRUPTED, FEWEST_CORRUPTED = 10_000, 4000
"""Images of seen and of unseen corruptions: of 28 px, and of the largest."""


@dataclass(frozen=True, slots=True)
class Split:
    """Test images that are measured together."""

    name: str
    kind: SplitKind
    images: ImageSet


@dataclass(frozen=True, slots=True)
class EvaluationProtocol:
    """What a bundle's provenance says about its data set, and about what its fit saw of it."""

    dataset: str | None
    """Name of the data set; ``None`` where the bundle was fitted to labelled images."""
    seed: int
    """Seed of the split and of the copies."""
    target: CorruptionMix
    """The target distribution, which the bundle is made for."""
    meta_fit: MetaFit
    metanet: MetaNetSettings

    @classmethod
    def of(cls, detector: Detector) -> EvaluationProtocol:
        """Read the provenance of a detector.

        Raises:
            BundleError: neither a recipe nor a fit made the detector.
        """
        fitted = detector.provenance.fit
        if fitted is not None:
            return cls(None, fitted.settings.seed, CorruptionMix(), _meta_fit(fitted.settings), MetaNetSettings())
        recipe, split = detector.provenance.recipe, detector.provenance.split
        if recipe is None or split is None:
            raise BundleError(f"{detector.name}: no recipe made it, so it names no data set to evaluate it on.")
        return cls(recipe.data.dataset, split.seed, recipe.target, recipe.meta_fit, recipe.metanet)

    @property
    def seen(self) -> tuple[str, ...]:
        """Corruptions that the fit saw, on meta-fit copies or on calibration images."""
        seen = {
            *(self.target.types if self.target.chance else ()),
            *(self.meta_fit.corruptions if self.meta_fit.corrupted else ()),
        }
        return tuple(name for name in CORRUPTIONS if name in seen)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Corruptions of the families of which no fit saw a member."""
        known = {CORRUPTIONS[name].family for name in self.seen}
        return tuple(name for family, names in families().items() if family not in known for name in names)


def _meta_fit(settings: FitSettings) -> MetaFit:
    copied = bool(settings.corruptions) and settings.copies > 0
    return MetaFit(corrupted=settings.copies if copied else 0, corruptions=settings.corruptions if copied else ())


def read_test(protocol: EvaluationProtocol, detector: Detector, data_root: Path) -> ImageSet:
    """Read the test images of the bundle's data set.

    Raises:
        BundleError: it was fitted to labelled images, which are no data set of the house.
        DatasetError: the data set is missing.
    """
    if protocol.dataset is None:
        raise BundleError(f"{detector.name}: was fitted to labelled images of your own, so it names no data set.")
    return datasets.read(protocol.dataset, data_root, "test", detector.preprocessing)


def own_splits(protocol: EvaluationProtocol, test: ImageSet) -> Iterator[Split]:
    """Yield the clean test images and, where the bundle is made for corrupted ones, its target distribution."""
    yield Split(CLEAN, "clean", test)
    if protocol.target.chance:
        images = corrupted(test, protocol.target.types, SEED, chance=protocol.target.chance)
        yield Split(TARGET, "seen", images)


def main_splits(protocol: EvaluationProtocol, test: ImageSet, detector: Detector, data_root: Path) -> Iterator[Split]:
    """Yield the splits that the headline figures are of, the clean one first.

    The last one holds images of no known class alone; they are measured together with the clean ones. Where they are
    not on this machine they are left out, which is said.
    """
    yield from own_splits(protocol, test)
    some = sample(test, most=MOST_CORRUPTED, fewest=FEWEST_CORRUPTED)
    if set(protocol.seen) - set(protocol.target.types):  # else the target distribution says it all
        yield Split("seen corruptions", "seen", corrupted(some, protocol.seen, SEED + 3))
    if protocol.unseen:
        yield Split("unseen corruptions", "unseen", corrupted(some, protocol.unseen, SEED + 1))
    name = None if protocol.dataset is None else datasets.DATASETS[protocol.dataset].ood
    if name is None:
        return
    try:
        images = datasets.read_ood(name, data_root, detector.preprocessing)
    except DatasetError as error:
        progress.say(f"left out the split {name}: {error}")
        return
    yield Split(name, "ood", images)


def sample(test: ImageSet, *, most: int, fewest: int) -> ImageSet:
    """Return some of the images, the same each time: as many as cost what ``most`` images of 28 px do."""
    side = test.pixels.shape[-1]
    count = min(most, max(fewest, most * 28**2 // side**2))
    rows = np.random.default_rng(SEED).permutation(len(test))[:count]
    return test.take(torch.from_numpy(np.sort(rows)))
