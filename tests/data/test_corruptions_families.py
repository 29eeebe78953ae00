"""The corruptions that are not published, one by one: against SciPy, Pillow and values worked out by hand."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.special import j1
from skimage import data

from reason.data.corruptions import CORRUPTIONS, PUBLISHED, corrupt, corrupt_pixels

GREY = torch.full((1, 1, 28, 28), 0.5)


def photo(side: int = 84) -> torch.Tensor:
    square = Image.fromarray(data.chelsea()).resize((side, side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)[None] / 255


def cosine(cycles: float) -> np.ndarray:
    """Return half a row of a cosine, 28 values in [-1, 1], that fits mirrored borders."""
    return np.cos(math.tau * cycles * (np.arange(28) + 0.5) / 28)


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in PUBLISHED])
def test_severity_starts_mildly_and_harms_more_and_more(name: str) -> None:
    images = photo().expand(6, -1, -1, -1)
    harm = [(corrupt(name, images, s, torch.arange(6)) - images).abs().mean().item() for s in (0, 0.25, 0.5, 0.75, 1)]
    assert harm == sorted(harm)
    assert harm[0] < 0.05
    assert harm[-1] > 0.04


# Noise


def test_salt_and_pepper_hit_equal_shares_of_the_pixels() -> None:
    grey = torch.full((1, 3, 200, 200), 0.5)
    mild, strong = (corrupt("salt_pepper", grey, severity, 1) for severity in (0.5, 1))
    for value in (0, 1):
        assert (strong == value).double().mean() == pytest.approx(0.35, abs=0.01)
        assert ((mild == value) <= (strong == value)).all()
    assert ((strong == strong[:, :1]).all(dim=1)).all()


def test_speckle_multiplies() -> None:
    images = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    drawn = np.random.default_rng(3).standard_normal((1, 28, 28))
    expected = (images[0].numpy() * (1 + 1.3 * drawn)).clip(0, 1)
    assert np.allclose(corrupt("speckle", images, 0.5, 3)[0].numpy(), expected, atol=1e-6)


# Blur and frequency: a cosine keeps its shape, and its height is multiplied by the filter's response


def test_gaussian_blur_equals_scipy() -> None:
    images = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    expected = gaussian_filter(images[0, 0].double().numpy(), 2.1, mode="reflect", truncate=8)
    assert np.allclose(corrupt("gaussian_blur", images, 0.5, 0)[0, 0].numpy(), expected, atol=1e-4)


def response_to_waves(name: str, cycles: float, severity: float, seed: int = 0) -> float:
    wave = cosine(cycles)
    row = corrupt(name, torch.from_numpy(0.5 + 0.4 * wave).float().expand(1, 1, 28, 28), severity, seed)[0, 0, 13]
    response = np.dot(row.double().numpy() - 0.5, wave) / np.dot(wave, wave) / 0.4
    assert np.allclose(row.numpy(), 0.5 + 0.4 * response * wave, atol=1e-5)
    return float(response)


@pytest.mark.parametrize("cycles", [0.5, 2, 5.5])
def test_defocus_answers_as_a_disc(cycles: float) -> None:
    t = math.tau * 3.1 * cycles / 28
    assert response_to_waves("defocus_blur", cycles, 0.5) == pytest.approx(2 * j1(t) / t, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_motion_blur_answers_as_a_line(seed: int) -> None:
    angle = math.tau * np.random.default_rng(seed).random()
    expected = np.sinc(8.25 * 2 / 28 * math.cos(angle))
    assert response_to_waves("motion_blur", 2, 0.5, seed) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("cycles", "share"), [(0.5, 1), (1.4, 1 / 2), (6, 0)])
def test_low_pass_keeps_waves_longer_than_20_px(cycles: float, share: float) -> None:
    images = torch.from_numpy(0.5 + 0.4 * cosine(cycles)).float().expand(1, 1, 28, 28)
    if cycles * 2 % 1 == 0:
        assert response_to_waves("low_pass", cycles, 1) == pytest.approx(share, abs=1e-3)
    assert corrupt("low_pass", images, 0, 0).sub(images).abs().max() < 1e-2


@pytest.mark.parametrize("severity", [0.5, 1])
def test_high_pass_turns_coarse_structure_grey(severity: float) -> None:
    blurred = math.exp(-2 * (math.pi * 1.0 * 2 / 28) ** 2)
    share = 0.05 + 0.95 * severity
    assert response_to_waves("high_pass", 2, severity) == pytest.approx(1 - share * blurred, abs=1e-4)


def test_stripes_swing_around_the_picture() -> None:
    striped = corrupt("stripes", GREY, 0.4, 2)
    amplitude = 0.03 + 0.87 * 0.4
    assert striped.max() == pytest.approx(0.5 + amplitude, abs=0.03)
    assert striped.min() == pytest.approx(0.5 - amplitude, abs=0.03)


# Lighting


def test_brightness_adds_or_subtracts_the_same_everywhere() -> None:
    steps = corrupt("brightness", GREY.expand(40, -1, -1, -1), 0.2, torch.arange(40)) - 0.5
    assert set(steps.flatten(1).std(dim=1).tolist()) == {0.0}
    assert sorted({round(step, 5) for step in steps[:, 0, 0, 0].tolist()}) == [-0.22, 0.22]


def test_contrast_pulls_towards_the_mean() -> None:
    halves = torch.cat([torch.zeros(1, 1, 28, 14), torch.ones(1, 1, 28, 14)], dim=3)
    flat = corrupt("contrast", halves, 1, 0)
    assert flat[0, 0, 0, 0].item() == pytest.approx(0.48)
    assert flat[0, 0, 0, -1].item() == pytest.approx(0.52)


def test_gamma_is_a_power_or_its_inverse() -> None:
    values = corrupt("gamma", GREY.expand(40, -1, -1, -1), 1, torch.arange(40))[:, 0, 0, 0]
    assert sorted({round(value, 5) for value in values.tolist()}) == [round(0.5**8, 5), round(0.5**0.125, 5)]


def test_uneven_light_is_opposite_on_opposite_sides() -> None:
    lit = corrupt("uneven_light", GREY, 0, 6)
    assert torch.allclose(lit + lit.flip(2, 3), torch.ones_like(lit), atol=1e-6)
    assert 0.03 < lit.max() - 0.5 <= 0.05 * math.sqrt(2)


# Digital


@pytest.mark.parametrize(("severity", "quality"), [(0, 50), (0.5, 7), (1, 1)])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_equals_pillow(mode: str, severity: float, quality: int) -> None:
    image = Image.fromarray(data.chelsea()).resize((48, 40)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    expected = np.asarray(Image.open(buffer), dtype=int).reshape(40, 48, -1)
    pixels = torch.from_numpy(np.array(image).reshape(40, 48, -1)).permute(2, 0, 1)[None]
    ours = corrupt_pixels("jpeg", pixels, severity, 0)[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - expected).mean() < 0.5


def test_pixelate_averages_over_cells() -> None:
    images = torch.rand(1, 2, 27, 27, generator=torch.Generator().manual_seed(0))
    means = images.reshape(1, 2, 3, 9, 3, 9).mean(dim=(3, 5))
    expected = means.repeat_interleave(9, dim=2).repeat_interleave(9, dim=3)
    assert torch.allclose(corrupt("pixelate", images, 1, 0), expected, atol=1e-6)
    assert torch.allclose(corrupt("pixelate", images, 0, 0), images, atol=1e-6)


def test_quantise_rounds_to_levels() -> None:
    values = torch.tensor([0.0, 0.3, 0.4, 0.6, 1.0]).repeat(8, 8)[None, None]
    for severity, expected in ((1, [0, 0, 0, 1, 1]), (0.5, [0, 0.25, 0.375, 0.625, 1])):
        assert corrupt("quantise", values, severity, 0)[0, 0, 0, :5].tolist() == expected


# Weather


def test_fog_whitens_black_and_leaves_white() -> None:
    black = corrupt("fog", torch.zeros(1, 1, 28, 28), 0.5, 1)
    assert black.min() >= 0.2875 * 0.6
    assert black.max() <= 0.2875
    assert black.std() > 0.01
    assert torch.equal(corrupt("fog", torch.ones(1, 1, 28, 28), 1, 1), torch.ones(1, 1, 28, 28))


def test_scratches_are_one_line_at_first_and_fourteen_at_last() -> None:
    one, all_of_them = ((corrupt("scratches", GREY, severity, 2) - 0.5).abs() > 0.1 for severity in (0, 1))
    assert 14 <= one.sum() <= 80
    assert all_of_them.sum() > 4 * one.sum()


# Geometry and occlusion


@pytest.mark.parametrize("name", ["shear", "perspective"])
def test_the_centre_stays_in_place(name: str) -> None:
    images = torch.rand(5, 1, 29, 29, generator=torch.Generator().manual_seed(0))
    centres = corrupt(name, images, 1, torch.arange(5))[:, 0, 14, 14]
    assert torch.allclose(centres, images[:, 0, 14, 14], atol=1e-5)


def test_shear_keeps_areas() -> None:
    blob = torch.zeros(1, 1, 57, 57)
    blob[:, :, 22:35, 22:35] = 1
    areas = corrupt("shear", blob.expand(8, -1, -1, -1), 0.5, torch.arange(8)).sum(dim=(1, 2, 3))
    assert torch.allclose(areas, torch.full((8,), 169.0), rtol=0.02)


def test_perspective_shrinks_one_side_and_widens_the_other() -> None:
    lines = torch.zeros(1, 1, 57, 57)
    lines[:, :, 14:43, 14:43] = 1
    angle = math.tau * np.random.default_rng(0).random()
    bent = corrupt("perspective", lines, 0.5, 0)[0, 0]
    far = torch.linspace(-1, 1, 57)[None, :] * math.cos(angle) + torch.linspace(-1, 1, 57)[:, None] * math.sin(angle)
    assert bent[far > 0].sum() < 0.8 * bent[far < 0].sum()


def test_elastic_moves_but_does_not_recolour() -> None:
    bent = corrupt("elastic", GREY, 0.5, 0)[0, 0, 8:20, 8:20]
    assert torch.allclose(bent, torch.full_like(bent, 0.5), atol=1e-6)


def test_holes_cover_the_square_of_their_side() -> None:
    hidden = corrupt("holes", torch.ones(1, 1, 280, 280), 1, 3) == 0
    assert hidden.double().mean().item() == pytest.approx(0.81, abs=0.02)
