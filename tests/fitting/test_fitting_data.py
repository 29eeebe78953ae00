"""What a bundle is fitted on: disjoint parts, and copies that the same seed makes again."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
import torch
from scipy.stats import binom

from reason.base.evidence import Evidence, Labelled
from reason.base.extraction import Extractor
from reason.data.corruptions import CORRUPTIONS
from reason.data.image_set import ImageSet
from reason.data.labels import CLEAN
from reason.detector.recipe import CorruptionMix, MetaFit
from reason.fitting.fitting_data import FittingData, Parts, gather

TARGET = CorruptionMix(("noise", "occlude"), 0.5)
META_FIT = MetaFit(
    augmented=2, crop_area=0.5, colour_jitter=0.3, on_target=2, corrupted=2, corruptions=("fog", "jpeg", "occlude")
)
TITLES = (
    "base-train",
    *("meta-fit", "meta-fit, augmented 1", "meta-fit, augmented 2", "meta-fit, on target 1", "meta-fit, on target 2"),
    *("meta-fit, corrupted 1", "meta-fit, corrupted 2", "calibration"),
)
CLEAN_BLOCK, AUGMENTED, ON_TARGET, CORRUPTED = 0, (1, 2), (3, 4), (5, 6)


class Pixels(Extractor):
    """Extracts no evidence: what would be the embedding are the pixels themselves."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.bare: list[bool] = []

    def __call__(self, images: ImageSet, title: str = "images", *, bare: bool = False) -> Labelled:
        self.titles.append(title)
        self.bare.append(bare)
        evidence = Evidence(torch.zeros(len(images), 3), images.pixels)
        return Labelled(evidence, **images.known())


@pytest.fixture(scope="module")
def parts(shapes: ImageSet) -> Parts:
    return Parts.split(shapes.take(torch.arange(300)), (0.5, 0.2), seed=3)


def made(parts: Parts, meta_fit: MetaFit = META_FIT, target: CorruptionMix = TARGET, seed: int = 7) -> FittingData:
    return gather(Pixels(), parts, meta_fit, target, seed)


def blocks(parts: Parts, data: FittingData) -> list[Labelled]:
    """Cut what the MetaNet learns from into its blocks."""
    return [data.meta.take(rows) for rows in torch.arange(len(data.meta)).split(len(parts.meta))]


def pixels(part: Labelled) -> torch.Tensor:
    return part.evidence.embedding


def test_the_parts_share_no_image(shapes: ImageSet, parts: Parts) -> None:
    """Of each of three classes of 100: 50, 20 and 30."""
    names = [set(part.sources) for part in (parts.base, parts.meta, parts.calibration)]
    assert [len(found) for found in names] == [150, 60, 90]
    assert set.union(*names) == set(shapes.sources[:300])
    assert [Counter(part.labels.tolist()) for part in (parts.base, parts.meta, parts.calibration)] == [
        dict.fromkeys(range(3), count) for count in (50, 20, 30)
    ]


def test_another_seed_splits_otherwise(shapes: ImageSet, parts: Parts) -> None:
    some = shapes.take(torch.arange(300))
    assert Parts.split(some, (0.5, 0.2), seed=3).meta.sources == parts.meta.sources
    assert Parts.split(some, (0.5, 0.2), seed=4).meta.sources != parts.meta.sources


def test_no_block_of_copies_is_needed(parts: Parts) -> None:
    data = made(parts, MetaFit(), CorruptionMix())
    assert torch.equal(pixels(data.meta), parts.meta.pixels)


def test_each_source_of_evidence_is_of_its_own_part(parts: Parts) -> None:
    data = made(parts)
    assert data.bank.sources == parts.base.sources
    assert set(data.meta.sources) == set(parts.meta.sources)
    assert data.calibration.sources == parts.calibration.sources
    assert torch.equal(pixels(data.bank), parts.base.pixels)


def test_the_blocks_come_in_order_each_with_every_image_in_the_same_order(parts: Parts) -> None:
    extract = Pixels()
    data = gather(extract, parts, META_FIT, TARGET, seed=7)
    assert tuple(extract.titles) == TITLES
    assert META_FIT.blocks == 7
    assert data.meta.sources == parts.meta.sources * 7
    assert torch.equal(data.meta.labels, parts.meta.labels.repeat(7))
    assert torch.equal(pixels(blocks(parts, data)[CLEAN_BLOCK]), parts.meta.pixels)


def test_only_the_bank_does_without_gradient_and_views(parts: Parts) -> None:
    extract = Pixels()
    gather(extract, parts, META_FIT, TARGET, seed=7)
    assert extract.bare == [True] + [False] * (len(TITLES) - 1)


def test_the_images_themselves_may_be_left_out(parts: Parts) -> None:
    settings = dataclasses.replace(META_FIT, clean=False)
    assert settings.blocks == 6
    with_them, without = made(parts), made(parts, settings)
    assert torch.equal(pixels(without.meta), pixels(with_them.meta)[len(parts.meta) :])


def test_the_same_seed_makes_the_same_copies_and_another_seed_others(parts: Parts) -> None:
    one, same, other = (made(parts, seed=seed) for seed in (7, 7, 8))
    assert torch.equal(pixels(same.meta), pixels(one.meta))
    assert torch.equal(pixels(same.calibration), pixels(one.calibration))
    assert (same.meta.corruptions, same.calibration.corruptions) == (one.meta.corruptions, one.calibration.corruptions)
    for number, (block, changed) in enumerate(zip(blocks(parts, one), blocks(parts, other), strict=True)):
        assert torch.equal(pixels(block), pixels(changed)) == (number == CLEAN_BLOCK)
    assert not torch.equal(pixels(one.calibration), pixels(other.calibration))


@pytest.mark.parametrize("pair", [AUGMENTED, ON_TARGET, CORRUPTED])
def test_two_blocks_of_a_kind_are_different_copies(parts: Parts, pair: tuple[int, int]) -> None:
    first, second = (blocks(parts, made(parts))[number] for number in pair)
    changed = (pixels(first) != pixels(second)).flatten(1).any(dim=1)
    # Of the blocks on target, a quarter of the pairs is clean twice.
    assert changed.float().mean() > 0.5


def test_more_blocks_of_one_kind_leave_the_others_as_they_were(parts: Parts) -> None:
    few = blocks(parts, made(parts))
    many = blocks(parts, made(parts, dataclasses.replace(META_FIT, augmented=3, on_target=4, corrupted=3)))
    kept = [0, 1, 2, 4, 5, 8, 9]  # one more augmented and two more on target stand between
    for block, number in zip(few, kept, strict=True):
        assert torch.equal(pixels(block), pixels(many[number]))


def test_augmented_copies_are_not_corrupted_but_changed(parts: Parts) -> None:
    found = blocks(parts, made(parts))
    for number in AUGMENTED:
        assert set(found[number].corruptions) == {CLEAN}
        assert (pixels(found[number]) != parts.meta.pixels).flatten(1).any(dim=1).all()
        assert pixels(found[number]).dtype == torch.uint8


def test_corrupted_copies_have_each_one_of_the_named_corruptions(parts: Parts) -> None:
    found = blocks(parts, made(parts))
    for number in CORRUPTED:
        block = found[number]
        assert set(block.corruptions) == {"fog", "jpeg", "occlude"}
        assert {CORRUPTIONS[name].family for name in block.corruptions} == {"weather", "digital", "occlusion"}
        assert block.severities is not None
        assert block.severities.min() > 0
        assert block.severities.max() <= 1


def test_copies_on_target_are_corrupted_as_often_as_the_target_says(parts: Parts) -> None:
    """Of 120 copies half are corrupted; an interval that all but one in a million draws fall into."""
    found = [blocks(parts, made(parts))[number] for number in ON_TARGET]
    names = [name for block in found for name in block.corruptions]
    assert set(names) == {CLEAN, "noise", "occlude"}
    low, high = binom.interval(1 - 1e-6, 120, 0.5)
    assert low <= 120 - names.count(CLEAN) <= high


def test_calibration_images_come_from_the_target_distribution(parts: Parts) -> None:
    calibration = made(parts).calibration
    assert set(calibration.corruptions) == {CLEAN, "noise", "occlude"}
    low, high = binom.interval(1 - 1e-6, 90, 0.5)
    assert low <= 90 - calibration.corruptions.count(CLEAN) <= high
    clean = torch.tensor([name == CLEAN for name in calibration.corruptions])
    assert calibration.severities is not None
    assert torch.equal(calibration.severities == 0, clean)
    assert torch.equal(pixels(calibration)[clean], parts.calibration.pixels[clean])
    noisy = torch.tensor([name == "noise" for name in calibration.corruptions])
    assert (pixels(calibration) != parts.calibration.pixels).flatten(1).any(dim=1)[noisy].all()


def test_calibration_does_not_follow_what_the_metanet_sees(parts: Parts) -> None:
    """The threshold is made for the target distribution, whatever else the MetaNet learns from."""
    expected = made(parts).calibration
    found = made(parts, MetaFit(corrupted=1, corruptions=("rotate",))).calibration
    assert torch.equal(pixels(found), pixels(expected))
    assert found.corruptions == expected.corruptions


def test_without_a_target_distribution_calibration_images_are_the_images_themselves(parts: Parts) -> None:
    calibration = made(parts, target=CorruptionMix()).calibration
    assert torch.equal(pixels(calibration), parts.calibration.pixels)
    assert set(calibration.corruptions) <= {CLEAN}
