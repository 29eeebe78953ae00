"""Pictures of every kind that data sets hold."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from noise_pictures import noise
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor, to_tensor

from reason.data.labelled.conversion import picture_of
from reason.errors import BrokenImageError, DatasetError, UnsupportedImageError

COLOUR = noise(0)
GREY = COLOUR.convert("L")


def encoded(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        (COLOUR, COLOUR),
        (encoded(COLOUR), COLOUR),
        (np.asarray(COLOUR), COLOUR),
        (np.asarray(COLOUR).transpose(2, 0, 1), COLOUR),
        (pil_to_tensor(COLOUR), COLOUR),
        (torch.from_numpy(np.array(COLOUR)), COLOUR),
        (to_tensor(COLOUR), COLOUR),
        (np.asarray(COLOUR) / 255, COLOUR),
        (to_tensor(COLOUR).half(), COLOUR),
        (GREY, GREY),
        (np.asarray(GREY), GREY),
        (pil_to_tensor(GREY), GREY),
        (pil_to_tensor(GREY)[0], GREY),
        (to_tensor(GREY), GREY),
    ],
)
def test_every_kind_shows_the_same_picture(image: object, shown: Image.Image) -> None:
    picture = picture_of(image, "it")
    assert picture.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(shown.convert("RGB")))


def test_a_path_is_read(tmp_path: Path) -> None:
    COLOUR.save(tmp_path / "it.png")
    for path in (tmp_path / "it.png", str(tmp_path / "it.png")):
        np.testing.assert_array_equal(np.asarray(picture_of(path, "it")), np.asarray(COLOUR))


def test_where_both_ends_may_be_channels_tensors_have_them_first() -> None:
    pixels = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    assert picture_of(pixels, "it").size == (5, 3)
    assert picture_of(torch.from_numpy(pixels), "it").size == (3, 5)


@pytest.mark.parametrize("shape", [(3, 2, 2), (2, 2)])
def test_standardised_pictures_are_refused_in_one_sentence(shape: tuple[int, ...]) -> None:
    standardised = torch.full(shape, 0.5) - 1.25
    with pytest.raises(DatasetError) as raised:
        picture_of(standardised, "row 7")
    assert str(raised.value) == (
        "row 7: a picture of floats from -0.75 to -0.75; give pictures in [0, 1], and put mean and std into the "
        "preprocessing instead of standardising before."
    )


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(3, 4, 4) * float("nan"), "a picture of floats from nan to nan"),
        (torch.full((3, 4, 4), 255.0), "a picture of floats from 255 to 255"),
        (torch.zeros(4, 4, 4, dtype=torch.uint8), r"shape \[4, 4, 4\] is no picture"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), r"shape \[2, 3, 4, 4\] is no picture"),
        (torch.zeros(3, 0, 4, dtype=torch.uint8), r"shape \[3, 0, 4\] is no picture"),
        (np.zeros((4, 4), np.int64), "a picture of int64 numbers; give uint8"),
        (np.zeros((4, 4), np.complex64), "a picture of complex64 numbers"),
        (None, "NoneType is no picture"),
        ({"image": 1}, "dict is no picture"),
    ],
)
def test_what_is_no_picture_is_refused(image: object, message: str) -> None:
    with pytest.raises(DatasetError, match=f"it: .*{message}"):
        picture_of(image, "it")


def test_damaged_pictures_are_told_apart_from_wrong_ones(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(encoded(COLOUR)[:70])
    with pytest.raises(BrokenImageError, match="it: damaged or truncated"), Image.open(tmp_path / "cut.png") as image:
        picture_of(image, "it")
    with pytest.raises(UnsupportedImageError, match="it: not an image"):
        picture_of(b"text", "it")
