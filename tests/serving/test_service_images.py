"""Every kind of image that people send gets the verdict of the picture it shows."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image
from service_pictures import bomb, encode

import reason
from reason.detector.detector import Detector


@pytest.fixture(scope="session")
def loaded(bundle_folder: Path) -> Detector:
    return reason.load(bundle_folder)


def grey(picture: Image.Image) -> Image.Image:
    return picture.convert("L")


def three_channels(samples: np.ndarray) -> Image.Image:
    return Image.fromarray(np.repeat(samples[:, :, None], 3, axis=2).astype(np.uint8))


def lossless(picture: Image.Image) -> dict[str, tuple[bytes, Image.Image]]:
    """Each kind, with the picture that it must be taken for, worked out by hand."""
    rgb = np.asarray(picture).astype(int)
    samples = np.asarray(grey(picture)).astype(int)
    palette = picture.quantize(16)
    shown = np.asarray(palette.getpalette()).reshape(-1, 3)[np.asarray(palette)].astype(np.uint8)
    alpha = np.tile(np.linspace(0, 255, picture.width).astype(int), (picture.height, 1))
    over_white = (rgb * alpha[:, :, None] + 255 * (255 - alpha[:, :, None])) / 255
    see_through = Image.fromarray(np.dstack([rgb, alpha]).astype(np.uint8))
    ink = Image.fromarray(np.dstack([255 - rgb, np.zeros_like(samples)]).astype(np.uint8))
    cmyk = Image.frombytes("CMYK", picture.size, ink.tobytes())
    wide = Image.fromarray((samples * 257).astype(np.uint16))
    turned = Image.Exif()
    turned[0x0112] = 6  # shown after a quarter turn clockwise
    upright = Image.fromarray(np.rot90(np.asarray(picture), k=-1).copy())
    shown_palette = Image.fromarray(shown)
    return {
        "png": (encode(picture), picture),
        "bmp": (encode(picture, "BMP"), picture),
        "tiff": (encode(picture, "TIFF", compression="tiff_lzw"), picture),
        "webp": (encode(picture, "WEBP", lossless=True), picture),
        "grey": (encode(grey(picture)), three_channels(samples)),
        "palette": (encode(palette), shown_palette),
        "gif": (encode(palette, "GIF"), shown_palette),
        "gif of two frames": (
            encode(palette, "GIF", save_all=True, append_images=[Image.new("P", palette.size)]),
            shown_palette,
        ),
        "alpha": (encode(see_through), Image.fromarray(over_white.round().astype(np.uint8))),
        "cmyk": (encode(cmyk, "TIFF"), picture),
        "16 bit": (encode(wide), three_channels(samples)),
        "exif": (encode(picture, exif=turned), upright),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "png",
        "bmp",
        "tiff",
        "webp",
        "grey",
        "palette",
        "gif",
        "gif of two frames",
        "alpha",
        "cmyk",
        "16 bit",
        "exif",
    ],
)
def test_verdict_is_that_of_the_picture(service: str, loaded: Detector, picture: Image.Image, kind: str) -> None:
    data, shown = lossless(picture)[kind]
    answer = requests.post(f"{service}/predict", files={"image": data}, timeout=120)
    assert answer.status_code == 200, answer.text
    expected = loaded.predict([shown])[0]
    # Blending and resampling round each pixel; another picture differs far more (see the next test).
    assert answer.json()["meta_vector"] == pytest.approx(expected.meta_vector, rel=0.02, abs=0.02)
    assert answer.json()["class"] == expected.class_


def test_the_comparison_notices_a_picture_that_lies_on_its_side(loaded: Detector, picture: Image.Image) -> None:
    upright, turned = loaded.predict([picture, picture.rotate(90, expand=True)])
    assert turned.meta_vector != pytest.approx(upright.meta_vector, rel=0.02, abs=0.02)


def test_jpeg_from_a_camera_held_sideways(service: str, loaded: Detector, picture: Image.Image) -> None:
    turned = Image.Exif()
    turned[0x0112] = 8  # shown after a quarter turn anticlockwise
    plain, with_exif = encode(picture, "JPEG", quality=95), encode(picture, "JPEG", quality=95, exif=turned)
    with Image.open(io.BytesIO(plain)) as opened:
        upright = opened.transpose(Image.Transpose.ROTATE_90)
    answer = requests.post(f"{service}/predict", files={"image": with_exif}, timeout=120).json()
    assert answer["meta_vector"] == pytest.approx(loaded.predict([upright])[0].meta_vector, rel=1e-3, abs=1e-3)


def test_json_is_the_verdict_of_the_python_api(service: str, loaded: Detector, picture: Image.Image) -> None:
    files = {"image": ("photo.png", encode(picture))}
    answer = requests.post(f"{service}/predict", files=files, timeout=120).json()
    expected = loaded.predict([picture], sources=["photo.png"])[0].to_dict()
    assert list(answer) == list(expected)
    assert set(answer["timings_ms"]) == set(expected["timings_ms"])
    del answer["timings_ms"], expected["timings_ms"]
    for key, value in expected.items():
        if key in ("probabilities", "diagnostics", "meta_vector", "confidence", "reliability", "latent"):
            assert answer[key] == pytest.approx(value, rel=1e-4, abs=1e-5)
        elif key == "neighbours":
            assert [near["source"] for near in answer[key]] == [near["source"] for near in value]
        else:
            assert answer[key] == value


BROKEN = {
    "no bytes": (b"", 422, "the file is empty"),
    "huge bomb": (bomb(100_000, 100_000), 422, "more than 40,000,000 pixels"),
    "bomb just above the limit": (bomb(8000, 5001), 422, "more than 40,000,000 pixels"),
    "rows missing": (bomb(64, 64), 422, "damaged or truncated"),
    "text": (b"These are words.", 415, "not an image in a format REASON reads"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not an image in a format REASON reads"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_image_is_refused(service: str, kind: str) -> None:
    data, status, reason_why = BROKEN[kind]
    answer = requests.post(f"{service}/predict", files={"image": ("photo.png", data)}, timeout=120)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("photo.png: ")
    assert reason_why in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_truncated_image(service: str, picture: Image.Image, kind: str) -> None:
    whole = encode(picture, kind)
    answer = requests.post(f"{service}/predict", files={"image": whole[: len(whole) // 2]}, timeout=120)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:reason:problem:broken-image")
