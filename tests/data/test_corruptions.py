"""What holds for every corruption, and the published four against torchvision and arrays worked out with NumPy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import rotate

from reason.data.corruptions import (
    CORRUPTIONS,
    PUBLISHED,
    Corruption,
    CorruptionRequest,
    Dice,
    corrupt,
    corrupt_pixels,
    families,
    per_image,
)
from reason.data.images import Preprocessing
from reason.errors import CorruptionError

WITHOUT_CHANCE = {
    "rotate",
    "gaussian_blur",
    "defocus_blur",
    "contrast",
    "low_pass",
    "high_pass",
    "jpeg",
    "pixelate",
    "quantise",
}
"""Corruptions that draw nothing."""

every_corruption = pytest.mark.parametrize("name", CORRUPTIONS)


def pictures(n: int, channels: int = 1, height: int = 28, width: int = 28, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, channels, height, width, generator=generator)


# Every corruption


@every_corruption
@given(st.integers(1, 4), st.integers(8, 40), st.integers(8, 40), st.integers(0, 2**62))
@settings(max_examples=8, deadline=None)
def test_a_batch_gives_what_each_image_alone_gives(
    name: str, channels: int, height: int, width: int, seed: int
) -> None:
    images, severity = pictures(3, channels, height, width), torch.tensor([0.0, 0.6, 1.0])
    kept, seeds = images.clone(), torch.tensor([seed, seed + 1, seed])
    batch = corrupt(name, images, severity, seeds)
    alone = [corrupt(name, images[i : i + 1], severity[i].item(), int(seeds[i])) for i in range(3)]
    assert torch.equal(batch, torch.cat(alone))
    assert torch.equal(images, kept)
    assert (batch.shape, batch.dtype) == (images.shape, torch.float32)
    assert batch.min() >= 0
    assert batch.max() <= 1


def test_more_images_than_are_corrupted_at_a_time_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    images, seeds = pictures(5), torch.arange(5)
    together = corrupt("noise", images, 0.5, seeds)
    monkeypatch.setattr("reason.data.corruptions._VALUES_AT_A_TIME", 2 * 28 * 28)
    assert torch.equal(corrupt("noise", images, 0.5, seeds), together)


@every_corruption
def test_only_the_seed_decides_what_is_random(name: str) -> None:
    images = pictures(1).expand(12, -1, -1, -1)
    same = corrupt(name, images, 0.7, 5)
    assert torch.equal(same, same[:1].expand_as(same))
    different = corrupt(name, images, 0.7, torch.arange(12))
    assert (different == different[:1]).all() == (name in WITHOUT_CHANCE)


@every_corruption
def test_a_little_more_severity_changes_a_picture_little(name: str) -> None:
    images, seeds = pictures(20), torch.arange(20)
    before, after = (corrupt(name, images, severity, seeds) for severity in (0.5, 0.5001))
    assert (after - before).abs().mean() < 0.002


@every_corruption
def test_no_images_are_none_after_it(name: str) -> None:
    assert corrupt(name, pictures(0), 0.5, 0).shape == (0, 1, 28, 28)


@every_corruption
def test_pixels_are_the_rounded_images(name: str) -> None:
    pixels = (pictures(2, 3) * 255).byte()
    expected = corrupt(name, pixels / 255, 0.4, torch.tensor([3, 4])) * 255
    assert torch.equal(corrupt_pixels(name, pixels, 0.4, torch.tensor([3, 4])), expected.round().byte())


def test_families_hold_every_name_once() -> None:
    assert [name for names in families().values() for name in names] == list(CORRUPTIONS)
    assert set(PUBLISHED) <= set(CORRUPTIONS)
    for name, corruption in CORRUPTIONS.items():
        assert corruption.name == name
        assert name in families()[corruption.family]


def test_every_corruption_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "corruptions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", page, flags=re.MULTILINE)
    assert rows == [(c.name, c.family, c.summary) for c in CORRUPTIONS.values()]


# What goes wrong


def test_an_unknown_name_is_refused_and_the_closest_named() -> None:
    with pytest.raises(CorruptionError, match=r"^fogg: there is no such corruption; did you mean fog\?$"):
        corrupt("fogg", pictures(1), 0.5, 0)


@pytest.mark.parametrize("severity", [-0.1, 1.001, float("nan"), torch.tensor([0.5, float("inf")])])
def test_a_severity_outside_0_to_1_is_refused(severity: float | torch.Tensor) -> None:
    with pytest.raises(CorruptionError, match=r"^severity \S+: out of range; give a number from 0 to 1\.$"):
        corrupt("noise", pictures(2), severity, 0)


def test_a_seed_below_0_is_refused() -> None:
    with pytest.raises(CorruptionError, match=r"^seed -1: out of range"):
        corrupt("noise", pictures(2), 0.5, torch.tensor([0, -1]))


@pytest.mark.parametrize(("name", "severity", "seed"), [("fo", 0.5, 0), ("fog", 2.0, 0), ("fog", 0.5, 2**63)])
def test_a_request_is_checked_at_once(name: str, severity: float, seed: int) -> None:
    with pytest.raises(CorruptionError):
        CorruptionRequest(name, severity, seed)


# A request


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_request_gives_the_picture_that_is_judged(mode: Literal["L", "RGB"]) -> None:
    channels = 1 if mode == "L" else 3
    preprocessing = Preprocessing(size=20, mode=mode, mean=(0.5,) * channels, std=(0.5,) * channels)
    colours = np.random.default_rng(0).integers(0, 256, (33, 41, 3), dtype=np.uint8)
    image = Image.fromarray(colours)
    picture = CorruptionRequest("fog", 0.6, 9).picture(image, preprocessing)
    expected = corrupt_pixels("fog", preprocessing.pixels(image)[None], 0.6, 9)[0]
    assert (picture.mode, picture.size) == (mode, (20, 20))
    assert torch.equal(preprocessing.pixels(picture), expected)
    assert torch.equal(preprocessing.pixels(picture.convert("RGB")), expected)


# The published four


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 31, 40)])
@pytest.mark.parametrize("severity", [0, 0.37, 1])
def test_rotate_turns_as_torchvision_does(shape: tuple[int, int, int], severity: float) -> None:
    images = pictures(2, *shape)
    expected = rotate(images, 20 + 60 * severity, interpolation=InterpolationMode.BILINEAR)
    assert torch.allclose(corrupt("rotate", images, severity, 0), expected, atol=1e-4)


@pytest.mark.parametrize(("severity", "deviation"), [(0, 0.3), (0.5, 0.55), (1, 0.8)])
def test_noise_has_the_published_deviation(severity: float, deviation: float) -> None:
    images = pictures(1, 3)
    drawn = np.random.default_rng(4).standard_normal((3, 28, 28))
    expected = (images[0].numpy() + deviation * drawn).clip(0, 1)
    assert np.allclose(corrupt("noise", images, severity, 4)[0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("severity", "half"), [(0, 6), (0.5, 12), (0.99, 17), (1, 18)])
@pytest.mark.parametrize("seed", range(5))
def test_occlude_blackens_a_square(severity: float, half: int, seed: int) -> None:
    x, y = np.floor(np.random.default_rng(seed).random(2) * 28).astype(int)
    expected = np.ones((28, 28), dtype=np.float32)
    expected[max(0, y - half) : y + half, max(0, x - half) : x + half] = 0
    assert np.array_equal(corrupt("occlude", torch.ones(1, 1, 28, 28), severity, seed)[0, 0].numpy(), expected)


def moved(image: np.ndarray, dx: int, dy: int) -> np.ndarray:
    padded = np.pad(image, 3, mode="edge")
    return padded[3 - dy : 31 - dy, 3 - dx : 31 - dx]


def test_shift_visits_the_49_offsets_by_length() -> None:
    image = pictures(1)
    severities = (torch.arange(49) + 0.5) / 49
    results = corrupt("shift", image.expand(49, -1, -1, -1), severities, 8)[:, 0].numpy()
    offsets = [(dx, dy) for dx in range(-3, 4) for dy in range(-3, 4)]
    shifted = {offset: moved(image[0, 0].numpy(), *offset) for offset in offsets}
    found = [next(o for o in offsets if np.array_equal(shifted[o], result)) for result in results]
    assert sorted(found) == offsets
    lengths = [dx**2 + dy**2 for dx, dy in found]
    assert lengths == sorted(lengths)


def test_shift_orders_equally_long_offsets_by_the_seed() -> None:
    image = pictures(1)
    results = corrupt("shift", image.expand(200, -1, -1, -1), 1, torch.arange(200))
    corners = [moved(image[0, 0].numpy(), dx, dy) for dx in (-3, 3) for dy in (-3, 3)]
    counts = [sum(np.array_equal(corner, result) for result in results[:, 0].numpy()) for corner in corners]
    assert sum(counts) == 200
    assert min(counts) > 25
    assert torch.equal(corrupt("shift", image, 0, 3), image)


# Size


def test_shift_moves_a_picture_of_twice_the_size_twice_as_far() -> None:
    small, seeds = pictures(10), torch.arange(10)
    large = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    expected = corrupt("shift", small, 0.8, seeds).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert torch.equal(corrupt("shift", large, 0.8, seeds), expected)


def test_the_occluding_square_grows_with_the_picture() -> None:
    hidden = corrupt("occlude", torch.ones(200, 1, 56, 56), 0.25, torch.arange(200))[:, 0] == 0
    assert hidden.any(dim=1).sum(dim=1).max() == 36
    assert hidden.any(dim=2).sum(dim=1).max() == 36


# A corruption of one's own


def test_a_corruption_of_ones_own_is_found_by_name() -> None:
    def invert(images: torch.Tensor, severity: torch.Tensor, dice: Dice) -> torch.Tensor:
        return images + per_image(severity) * (1 - 2 * images)

    known = list(CORRUPTIONS)
    with CORRUPTIONS.temporarily(Corruption("invert", "lighting", "Fades into the negative.", invert)):
        assert list(CORRUPTIONS) == [*known, "invert"]
        assert families()["lighting"][-1] == "invert"
        assert torch.allclose(corrupt("invert", pictures(1), 1, 0), 1 - pictures(1))
        assert CorruptionRequest("invert", 0.5, 0).name == "invert"
    assert list(CORRUPTIONS) == known


def test_the_order_of_names_does_not_depend_on_what_was_imported_first() -> None:
    program = "import reason.data.corruptions.weather, reason.data.corruptions as all; print(*all.CORRUPTIONS)"
    names = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert names == list(CORRUPTIONS)
