"""The test splits: what the fit saw, what it did not, and what is out of distribution."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from made_recipes import make_provenance
from scipy.stats import binom

from reason import progress
from reason.data.corruptions import CORRUPTIONS
from reason.data.datasets import DATASETS, DataSet
from reason.data.image_set import ImageSet
from reason.data.labels import CLEAN, OOD_LABEL
from reason.detector.detector import Detector
from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.recipe import CorruptionMix, MetaFit
from reason.errors import BundleError, DatasetError
from reason.evaluation import splits
from reason.evaluation.splits import EvaluationProtocol

TARGET = CorruptionMix(("rotate", "noise"), 0.8)
META_FIT = MetaFit(clean=False, on_target=3, corrupted=2, corruptions=("speckle", "jpeg", "fog"))


def protocol(target: CorruptionMix = TARGET, meta_fit: MetaFit = META_FIT) -> EvaluationProtocol:
    return EvaluationProtocol("mnist", 7, target, meta_fit, MetaNetSettings())


def test_the_protocol_is_read_from_the_provenance(detector: Detector) -> None:
    provenance = make_provenance("mnist", target=TARGET, meta_fit=META_FIT)
    found = EvaluationProtocol.of(dataclasses.replace(detector, provenance=provenance))
    assert found == EvaluationProtocol("mnist", 9, TARGET, META_FIT, MetaNetSettings())


def test_a_detector_that_no_recipe_made_is_one_sentence(detector: Detector) -> None:
    with pytest.raises(BundleError, match="tiny: no recipe made it, so it names no data set"):
        EvaluationProtocol.of(detector)


def test_seen_is_what_meta_fit_or_calibration_saw() -> None:
    """In the order of ``CORRUPTIONS``, each once."""
    assert protocol().seen == ("noise", "speckle", "jpeg", "fog", "rotate")
    assert protocol(target=CorruptionMix()).seen == ("speckle", "jpeg", "fog")
    assert protocol(meta_fit=MetaFit(on_target=1)).seen == ("noise", "rotate")
    assert protocol(CorruptionMix(), MetaFit(augmented=3)).seen == ()


def test_what_is_named_but_never_drawn_was_not_seen() -> None:
    assert protocol(target=CorruptionMix(("rotate",), 0.0)).seen == ("speckle", "jpeg", "fog")
    assert protocol(CorruptionMix(), MetaFit(corrupted=0, corruptions=("fog",))).seen == ()


def test_unseen_are_whole_families_of_which_nothing_was_seen() -> None:
    """Noise, digital, weather and geometry each have a member that was seen."""
    assert protocol().unseen == (
        *("gaussian_blur", "defocus_blur", "motion_blur"),
        *("brightness", "contrast", "gamma", "uneven_light"),
        *("low_pass", "high_pass", "stripes"),
        *("occlude", "holes"),
    )
    assert protocol(CorruptionMix(), MetaFit()).unseen == tuple(CORRUPTIONS)
    families = {CORRUPTIONS[name].family for name in protocol().seen}
    assert families.isdisjoint(CORRUPTIONS[name].family for name in protocol().unseen)


@pytest.fixture(scope="module")
def few_shapes(shapes: ImageSet) -> ImageSet:
    return shapes.take(torch.arange(120))


def test_a_bundle_for_clean_images_is_measured_on_them_alone(few_shapes: ImageSet) -> None:
    (only,) = splits.own_splits(protocol(target=CorruptionMix()), few_shapes)
    assert (only.name, only.kind, only.images) == (CLEAN, "clean", few_shapes)


def test_a_bundle_for_corrupted_images_is_measured_on_its_target_distribution(few_shapes: ImageSet) -> None:
    clean, target = splits.own_splits(protocol(), few_shapes)
    assert (clean.name, target.name, target.kind) == ("clean", "target distribution", "seen")
    assert target.images.sources == few_shapes.sources
    assert set(target.images.corruptions) == {CLEAN, "rotate", "noise"}
    low, high = binom.interval(1 - 1e-6, 120, 0.8)
    assert low <= 120 - target.images.corruptions.count(CLEAN) <= high
    untouched = torch.tensor([name == CLEAN for name in target.images.corruptions])
    assert torch.equal(target.images.pixels[untouched], few_shapes.pixels[untouched])


def read_letters(*_: object) -> ImageSet:
    pixels = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    return ImageSet(pixels, ("A", "B"), labels=torch.tensor([0, 1]), sources=("A/0", "B/1"))


@pytest.fixture
def letters() -> Iterator[None]:
    with DATASETS.temporarily(DataSet("letters", read_letters)):
        yield


def main_splits(found: EvaluationProtocol, images: ImageSet, detector: Detector) -> list[splits.Split]:
    return list(splits.main_splits(found, images, detector, Path("nowhere")))


@pytest.mark.usefixtures("letters")
def test_the_main_splits(detector: Detector, few_shapes: ImageSet) -> None:
    found = main_splits(protocol(), few_shapes, detector)
    assert [(split.name, split.kind) for split in found] == [
        ("clean", "clean"),
        ("target distribution", "seen"),
        ("seen corruptions", "seen"),
        ("unseen corruptions", "unseen"),
        ("letters", "ood"),
    ]
    assert set(found[2].images.corruptions) == set(protocol().seen)
    assert set(found[3].images.corruptions) == set(protocol().unseen)
    assert set(found[4].images.labels.tolist()) == {OOD_LABEL}


@pytest.mark.usefixtures("letters")
def test_splits_that_there_are_no_corruptions_for_are_left_out(detector: Detector, few_shapes: ImageSet) -> None:
    nothing_seen = main_splits(protocol(CorruptionMix(), MetaFit()), few_shapes, detector)
    assert [split.name for split in nothing_seen] == ["clean", "unseen corruptions", "letters"]
    everything = MetaFit(corrupted=1, corruptions=tuple(CORRUPTIONS))
    nothing_unseen = main_splits(protocol(CorruptionMix(), everything), few_shapes, detector)
    assert [split.name for split in nothing_unseen] == ["clean", "seen corruptions", "letters"]


def test_ood_images_that_are_not_on_this_machine_are_left_out_and_said(
    detector: Detector, few_shapes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> ImageSet:
        raise DatasetError("they are not here.")

    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    with DATASETS.temporarily(DataSet("letters", missing)):
        found = main_splits(protocol(), few_shapes, detector)
    assert [split.kind for split in found] == ["clean", "seen", "seen", "unseen"]
    assert said == ["left out the split letters: they are not here."]


@pytest.mark.usefixtures("letters")
def test_the_same_images_are_corrupted_alike_each_time(detector: Detector, few_shapes: ImageSet) -> None:
    once, again = (main_splits(protocol(), few_shapes, detector) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        assert torch.equal(one.images.pixels, other.images.pixels)


@pytest.mark.parametrize(("most", "fewest", "expected"), [(100, 1, 76), (100, 90, 90), (1000, 1, 120)])
def test_a_sample_costs_what_the_most_images_of_28_px_do(
    few_shapes: ImageSet, most: int, fewest: int, expected: int
) -> None:
    """Images of 32 px: 100 x 28^2 / 32^2 = 76.6; never fewer than the fewest, never more than there are."""
    found = splits.sample(few_shapes, most=most, fewest=fewest)
    assert len(found) == len(set(found.sources)) == expected
    assert found.sources == tuple(sorted(found.sources, key=few_shapes.sources.index))
    assert found.sources == splits.sample(few_shapes, most=most, fewest=fewest).sources
