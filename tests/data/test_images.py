"""One way into REASON: bytes to upright 8-bit RGB, and from there to the square input."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reason.data.images import Preprocessing, decode, rgb_of
from reason.errors import BrokenImageError, ReasonError, UnsupportedImageError


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_gives_its_colour(kind: str) -> None:
    picture = decode(encoded(Image.new("RGB", (9, 7), (200, 40, 90)), kind))
    assert (picture.mode, picture.size) == ("RGB", (9, 7))
    assert np.abs(np.asarray(picture, dtype=int) - (200, 40, 90)).max() <= 12  # JPEG and WebP lose a little


def test_exif_orientation_is_applied() -> None:
    image = Image.new("RGB", (4, 2), "black")
    image.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned a quarter to the right
    upright = decode(encoded(image, "PNG", exif=exif))
    assert upright.size == (2, 4)
    assert upright.getpixel((1, 0)) == (255, 255, 255)


def test_transparency_lies_over_white() -> None:
    half_red = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    assert decode(encoded(half_red, "PNG")).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 10, 200, 30])
    assert decode(encoded(palette, "PNG", transparency=1)).getpixel((0, 0)) == (255, 255, 255)
    assert decode(encoded(palette, "PNG")).getpixel((0, 0)) == (10, 200, 30)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    wide = Image.fromarray(np.array([[0, 257 * 100, 65535]], dtype=np.uint16))
    picture = decode(encoded(wide, "PNG"))
    assert [picture.getpixel((x, 0)) for x in range(3)] == [(0, 0, 0), (100, 100, 100), (255, 255, 255)]


def test_float_samples_between_0_and_1_are_scaled() -> None:
    picture = decode(encoded(Image.fromarray(np.array([[0.0, 0.2, 1.0]], dtype=np.float32)), "TIFF"))
    assert np.asarray(picture)[0, :, 0].tolist() == [0, 51, 255]


def test_greyscale_and_cmyk_become_rgb() -> None:
    assert decode(encoded(Image.new("L", (2, 2), 77), "PNG")).getpixel((0, 0)) == (77, 77, 77)
    red, green, blue = np.asarray(decode(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")))[4, 4]
    assert red > 240
    assert max(green, blue) < 15


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data).getpixel((1, 1)) == (255, 0, 0)


@pytest.mark.parametrize("data", [b"hello, world", b"%PDF-1.7 nothing", b"\x00" * 64])
def test_what_is_no_image_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedImageError, match=r"a\.bin: not an image in a format REASON reads"):
        decode(data, name="a.bin")


def test_truncated_empty_and_huge_images_are_broken() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    whole = encoded(noise, "JPEG")
    with pytest.raises(BrokenImageError, match="damaged or truncated"):
        decode(whole[: len(whole) // 2])
    with pytest.raises(BrokenImageError, match="is empty"):
        decode(b"")
    with pytest.raises(BrokenImageError, match="64 x 64 is more than 4,095 pixels"):
        decode(whole, max_pixels=4095)
    assert decode(whole, max_pixels=4096).size == (64, 64)


def test_the_limit_of_pillow_holds_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for side in (32, 64):  # above the limit, and above twice the limit, where Pillow itself refuses
        with pytest.raises(BrokenImageError, match="more than 1,000 pixels"):
            decode(encoded(Image.new("L", (side, side)), "PNG"), max_pixels=10**9)


def with_damaged_exif(image: Image.Image) -> bytes:
    """A JPEG file whose EXIF names a maker far behind its end, and then says that the picture lies on its side."""
    maker = struct.pack("<HHII", 0x010F, 2, 100, 50_000)
    orientation = struct.pack("<HHII", 0x0112, 3, 1, 6)
    ifd = struct.pack("<H", 2) + maker + orientation + struct.pack("<I", 0)
    return encoded(image, "JPEG", exif=b"Exif\0\0II*\0" + struct.pack("<I", 8) + ifd)


def test_damaged_exif_does_not_cost_the_picture() -> None:
    assert decode(with_damaged_exif(Image.new("RGB", (40, 20)))).size == (20, 40)


def test_decoding_leaves_the_warnings_of_other_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(image: Image.Image) -> Image.Image:
        found.append(list(warnings.filters))
        return image.convert("RGB")

    found: list[list[object]] = []
    monkeypatch.setattr("reason.data.images.to_rgb", seen)
    decode(encoded(Image.new("RGB", (2, 2)), "PNG"))
    assert found == [list(warnings.filters)]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenImageError, match=r"nothing\.png: cannot be read"):
        decode(tmp_path / "nothing.png")


def test_the_whole_picture_is_squashed_to_a_square() -> None:
    wide = Image.new("RGB", (40, 10), "black")
    wide.paste((255, 255, 255), (20, 0, 40, 10))
    pixels = Preprocessing(8, "RGB", (0.5,) * 3, (0.5,) * 3).pixels(wide)
    assert pixels.shape == (3, 8, 8)
    assert pixels.dtype == torch.uint8
    assert (pixels[:, :, :3] == 0).all()
    assert (pixels[:, :, 5:] == 255).all()


def test_normalise_by_hand() -> None:
    preprocessing = Preprocessing(1, "RGB", (0.0, 0.5, 1.0), (1.0, 0.5, 0.25))
    pixels = torch.tensor([255, 255, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    assert preprocessing.normalise(pixels).flatten().tolist() == pytest.approx([1.0, 1.0, -4.0])


def test_greyscale_input_has_one_channel() -> None:
    preprocessing = Preprocessing(4, "L", (0.1307,), (0.3081,))
    assert preprocessing.pixels(Image.new("RGB", (9, 9), (77, 77, 77))).tolist() == [[[77] * 4] * 4]


def test_arrays_of_colours_and_of_grey_levels_are_pictures() -> None:
    grey = np.array([[0, 90], [180, 255]], dtype=np.uint8)
    colours = np.stack([grey, grey // 2, grey // 3], axis=2)
    assert np.array_equal(np.asarray(rgb_of(grey)), np.stack([grey] * 3, axis=2))
    assert np.array_equal(np.asarray(rgb_of(colours)), colours)


@pytest.mark.parametrize("shape", [(4,), (4, 4, 4), (3, 4, 4), (1, 4, 4, 3), (0, 4), (0, 4, 3)])
def test_an_array_of_another_shape_is_refused_with_the_shapes_that_are_taken(shape: tuple[int, ...]) -> None:
    with pytest.raises(ReasonError, match=r"uint8 \[h, w, 3\], or \[h, w\] for grey, not uint8"):
        rgb_of(np.zeros(shape, dtype=np.uint8))
