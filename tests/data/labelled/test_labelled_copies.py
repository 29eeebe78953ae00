"""Corrupted copies: each depends on seed, number and name alone."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from reason.data.corruptions import corrupt_pixels
from reason.data.labelled import Copies
from reason.errors import CorruptionError

TYPES = ("noise", "rotate", "fog")


@pytest.fixture
def pixels() -> torch.Tensor:
    """40 pictures of noise."""
    return torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


SOURCES = tuple(f"cat/{number}.png" for number in range(40))


def test_a_copy_does_not_depend_on_batch_or_order(pixels: torch.Tensor) -> None:
    copies = Copies(TYPES, seed=5)
    whole = copies.of(pixels, SOURCES, 1)
    for start in range(0, 40, 7):
        part = copies.of(pixels[start : start + 7], SOURCES[start : start + 7], 1)
        assert part.pixels.equal(whole.pixels[start : start + 7])
        assert part.corruptions == whole.corruptions[start : start + 7]
        assert part.severities.equal(whole.severities[start : start + 7])
    back = copies.of(pixels.flip(0), SOURCES[::-1], 1)
    assert back.pixels.flip(0).equal(whole.pixels)


def test_copies_of_one_image_have_all_corruptions_in_turn(pixels: torch.Tensor) -> None:
    copies = Copies(TYPES, seed=0)
    numbers = [copies.of(pixels, SOURCES, number) for number in range(6)]
    for image in range(40):
        names = [copied.corruptions[image] for copied in numbers]
        assert sorted(names[:3]) == sorted(TYPES)
        assert names[3:] == names[:3]
    assert not numbers[0].pixels.equal(numbers[3].pixels)
    assert len({tuple(copied.severities.tolist()) for copied in numbers}) == 6


def test_corruptions_are_drawn_uniformly_and_severities_from_all_of_the_range(pixels: torch.Tensor) -> None:
    copied = Copies(TYPES, seed=1).of(pixels.repeat(25, 1, 1, 1), [str(number) for number in range(1000)])
    assert all(count == pytest.approx(1000 / 3, abs=60) for count in Counter(copied.corruptions).values())
    quantiles = torch.quantile(copied.severities, torch.tensor([0.1, 0.5, 0.9]))
    assert quantiles.tolist() == pytest.approx([0.1, 0.5, 0.9], abs=0.05)


def test_some_stay_clean_by_chance(pixels: torch.Tensor) -> None:
    copied = Copies(TYPES, seed=2, chance=0.25).of(pixels, SOURCES)
    clean = torch.tensor([name == "clean" for name in copied.corruptions])
    assert 22 <= clean.sum() <= 38
    assert copied.pixels[clean].equal(pixels[clean])
    assert copied.severities[clean].eq(0).all()
    assert copied.pixels[~clean].ne(pixels[~clean]).flatten(1).any(dim=1).all()


def test_a_fixed_severity_is_that_of_all_copies(pixels: torch.Tensor) -> None:
    copied = Copies(("contrast",), seed=3, severity=0.5).of(pixels, SOURCES)
    assert copied.severities.eq(0.5).all()
    assert copied.pixels.equal(corrupt_pixels("contrast", pixels, 0.5, 0))  # contrast draws nothing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"types": ()}, "no corruption is named"),
        ({"types": ("nois",)}, "did you mean noise"),
        ({"types": TYPES, "chance": 1.5}, "chance 1.5: out of range"),
        ({"types": TYPES, "severity": float("nan")}, "severity nan: out of range"),
    ],
)
def test_settings_out_of_range_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(CorruptionError, match=message):
        Copies(seed=0, **arguments)  # type: ignore[arg-type]
