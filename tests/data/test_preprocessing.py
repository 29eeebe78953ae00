"""Preprocessing is compared with what torchvision does to the same pictures, pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize, v2
from torchvision.transforms.functional import pil_to_tensor

import reason
from reason.data.images import Preprocessing, decode
from reason.data.resizing import MOST_PIXELS, sides
from reason.errors import BrokenImageError, ReasonError, SettingsError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def photo(size: tuple[int, int] = (451, 300)) -> Image.Image:
    return Image.fromarray(data.chelsea()).resize(size)


def of(**options: object) -> Preprocessing:
    return Preprocessing(**{"size": 224, "mode": "RGB", "mean": MEAN, "std": STD, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(451, 300), (300, 451), (225, 224), (97, 640), (224, 224)])
@pytest.mark.parametrize("how", ["nearest", "bilinear", "bicubic", "lanczos", "box"])
def test_crop_is_what_torchvision_makes_of_a_picture(size: tuple[int, int], how: str) -> None:
    theirs = Compose([Resize(232, InterpolationMode[how.upper()]), CenterCrop(224)])
    ours = of(fit="crop", resize=232, interpolation=how)
    assert torch.equal(ours.pixels(photo(size)), pil_to_tensor(theirs(photo(size))))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("how", ["nearest", "bilinear", "bicubic"])
def test_tensor_resampling_is_torchvisions_own(mode: str, how: str) -> None:
    picture = photo().convert(mode)
    resize = v2.Resize(240, InterpolationMode[how.upper()], antialias=True)
    theirs = v2.CenterCrop(224)(resize(pil_to_tensor(picture)))
    channels = len(mode)
    ours = Preprocessing(
        224,
        mode,  # type: ignore[arg-type]
        MEAN[:channels],
        STD[:channels],
        fit="crop",
        resize=240,
        interpolation=how,  # type: ignore[arg-type]
        resampler="torchvision",
    )
    assert torch.equal(ours.pixels(picture), theirs)


def test_squash_may_cut_its_rim_away() -> None:
    theirs = Compose([Resize((256, 256), InterpolationMode.BICUBIC), CenterCrop(224)])
    assert torch.equal(of(resize=256).pixels(photo()), pil_to_tensor(theirs(photo())))


def test_padding_keeps_the_whole_picture_and_fills_with_the_mean() -> None:
    pixels = of(size=8, fit="pad", interpolation="nearest").pixels(Image.new("RGB", (80, 40), (7, 8, 9)))
    assert pixels[:, 2:6].permute(1, 2, 0).reshape(-1, 3).unique(dim=0).tolist() == [[7, 8, 9]]
    assert pixels[:, :2].permute(1, 2, 0).reshape(-1, 3).unique(dim=0).tolist() == [[124, 116, 104]]
    assert torch.equal(pixels[:, 6:], pixels[:, :2])


def test_the_middle_starts_at_the_even_pixel_or_before() -> None:
    stripes = Image.fromarray(np.repeat(np.arange(7, dtype=np.uint8)[:, None], 4, axis=1))  # crop 4 of 7 rows: 1.5
    rows = {
        centre: Preprocessing(4, "L", (0.5,), (0.5,), fit="crop", resize=4, centre=centre).pixels(stripes)[0, 0, 0]
        for centre in ("round", "floor")
    }
    assert rows == {"round": 2, "floor": 1}


def test_what_was_prepared_is_judged_as_it_is(detector: reason.Detector) -> None:
    cropping = of(fit="crop", resize=256)
    pixels = cropping.pixels(photo())
    assert cropping.prepare(pixels) is pixels
    assert not torch.equal(cropping.pixels(cropping.square(photo())), pixels)  # it would be enlarged again
    with pytest.raises(ReasonError, match=r"must be uint8 \[3, 224, 224\], not torch.uint8 \[3, 100, 224\]"):
        cropping.prepare(pixels[:, :100])
    ready = detector.preprocessing.pixels(photo())
    assert detector.predict([ready])[0].meta_vector == detector.predict([photo()])[0].meta_vector


def test_a_strip_is_refused_before_it_takes_memory() -> None:
    assert sides("crop", 256, 20000, 40) == (128000, 256)
    with pytest.raises(BrokenImageError, match=r"250000 x 1 pixels is too narrow"):
        of(fit="crop", resize=256).pixels(Image.new("RGB", (250000, 1)))
    assert MOST_PIXELS > 256 * 128000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fit": "stretch"}, "fit must be one of 'squash', 'crop', 'pad'"),
        ({"fit": "crop", "resize": 223}, "resize must be from 224 to 4096 for crop to 224 pixels, not 223"),
        ({"fit": "pad", "resize": 0}, "resize must be from 1 to 4096"),
        ({"resize": 5000}, "resize must be from 224 to 4096"),
        ({"interpolation": "cubic"}, "interpolation must be one of"),
        ({"resampler": "opencv"}, "resampler must be one of"),
        ({"resampler": "torchvision", "interpolation": "box"}, "interpolation must be one of nearest, bilinear"),
        ({"centre": "left"}, "centre must be one of"),
        ({"mode": "HSV"}, "mode must be one of"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        of(**options)


def test_a_card_says_only_what_is_not_the_default() -> None:
    assert set(of().to_dict()) == {"size", "mode", "mean", "std"}
    assert of(fit="crop", resize=256).to_dict()["resize"] == 256
    assert "centre" not in of(fit="crop", resize=256).to_dict()


def test_files_come_to_the_same_pixels_as_by_torchvision(tmp_path: Path) -> None:
    theirs = Compose([Resize(256, InterpolationMode.BILINEAR), CenterCrop(224)])
    for name in ("photo.jpg", "photo.png"):
        photo((333, 501)).save(tmp_path / name)
        with Image.open(tmp_path / name) as opened:
            expected = pil_to_tensor(theirs(opened.convert("RGB")))
        ours = of(fit="crop", resize=256, interpolation="bilinear")
        assert torch.equal(ours.pixels(decode(tmp_path / name)), expected)
