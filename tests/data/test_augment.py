"""Augmentation: what it may change, and what it must not."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from reason.data.augment import erased, jittered, random_crops, resized


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.integers(0, 1000), st.floats(0.1, 1.0))
def test_crops_of_a_flat_picture_are_flat(seed: int, smallest_area: float) -> None:
    flat = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 3, 20, 20) * 50
    crops = random_crops(flat, 8, generator(seed), smallest_area=smallest_area)
    assert crops.shape == (4, 3, 8, 8)
    torch.testing.assert_close(crops, flat[:, :, :8, :8].float(), rtol=0, atol=1e-3)


def test_whole_pictures_are_kept_or_mirrored() -> None:
    """With nothing to crop away and a square aspect the result is the picture or its mirror image."""
    ramp = torch.linspace(0, 255, 16).view(1, 1, 1, 16).expand(64, 1, 16, 16)
    crops = random_crops(ramp, 16, generator(), smallest_area=1.0)
    slopes = crops[:, 0, 8, -1] - crops[:, 0, 8, 0]
    assert (slopes > 0).any()
    assert (slopes < 0).any()


def test_whole_pictures_are_kept_exactly_where_nothing_is_mirrored() -> None:
    pictures = torch.randint(0, 256, (5, 1, 28, 28), generator=generator())
    crops = random_crops(pictures, 28, generator(), smallest_area=1.0, mirror=False)
    torch.testing.assert_close(crops, pictures.float(), rtol=0, atol=1e-3)


def test_erasing_blanks_one_rectangle_with_the_mean_colour() -> None:
    pictures = torch.rand(50, 3, 40, 40, generator=generator())
    changed = erased(pictures, generator(1), largest_area=0.3)
    blank = (changed != pictures).any(dim=1)
    for picture, before, where in zip(changed, pictures, blank, strict=True):
        rows, columns = where.any(dim=1), where.any(dim=0)
        assert torch.equal(where, rows[:, None] & columns[None])
        mean = before.mean(dim=(1, 2))[:, None].expand(-1, int(where.sum()))
        torch.testing.assert_close(picture[:, where], mean)
    shares = blank.float().mean(dim=(1, 2))
    assert shares.max() <= 0.33
    assert 0.1 < shares.mean() < 0.2
    assert torch.equal(erased(pictures, generator(), largest_area=0), pictures)


def test_small_crops_magnify() -> None:
    ramp = torch.linspace(0, 255, 64).view(1, 1, 1, 64).expand(200, 1, 64, 64)
    crops = random_crops(ramp, 16, generator(), smallest_area=0.1)
    spans = (crops[:, 0, 8, -1] - crops[:, 0, 8, 0]).abs() / 255
    assert spans.min() < 0.5
    assert spans.max() <= 1.0


def test_jitter_of_strength_zero_changes_nothing_and_others_stay_in_range() -> None:
    pixels = torch.rand(6, 3, 5, 5, generator=generator()) * 255
    assert torch.equal(jittered(pixels, generator(), strength=0), pixels)
    changed = jittered(pixels, generator(), strength=0.5)
    assert not torch.allclose(changed, pixels)
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_resizing_averages() -> None:
    checks = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    checks[..., ::2] = 200
    shrunk = resized(checks, 2).float()
    assert abs(shrunk.mean() - 100) <= 1
    assert (shrunk - 100).abs().max() < 30
    assert resized(checks, 8) is checks
