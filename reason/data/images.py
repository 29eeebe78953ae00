"""From bytes to the square tensor that a base classifier reads: the one way that images enter REASON."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from reason.data.resizing import (
    MOST_PIXELS,
    TORCHVISION,
    Centre,
    Fit,
    Interpolation,
    Resampler,
    middle,
    resized,
    sides,
)
from reason.errors import BrokenImageError, ReasonError, UnsupportedImageError
from reason.structure import plain, require, require_options

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""Formats that are decoded; of an animation, the first frame."""

MAX_PIXELS = MOST_PIXELS
"""Largest width x height that is decoded, in pixels; a guard against decompression bombs."""

MOST_RESIZED = 4096
"""Largest side that a picture may be resized to before its middle is cut out, in pixels."""

ImageInput = str | Path | bytes | Image.Image | NDArray[np.uint8]
"""A path, encoded bytes, a Pillow image, or pixels: RGB ``[h, w, 3]``, or grey ``[h, w]``."""

Prepared = torch.Tensor
"""Pixels as ``Preprocessing.pixels`` returns them, which are judged as they are."""


def rgb_of(image: ImageInput) -> Image.Image:
    """Return any picture that the library takes as 8-bit RGB, upright.

    Raises:
        UnsupportedImageError: encoded bytes, or a file, are in none of ``FORMATS``.
        BrokenImageError: they are empty, truncated, damaged or have too many pixels.
        ReasonError: an array is not uint8 ``[h, w, 3]`` or, of grey levels, ``[h, w]``.
    """
    if isinstance(image, Image.Image):
        return to_rgb(image)
    if isinstance(image, np.ndarray):
        shape = list(image.shape)
        if image.dtype != np.uint8 or 0 in shape or not (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)):
            raise ReasonError(f"an image array must be uint8 [h, w, 3], or [h, w] for grey, not {image.dtype} {shape}.")
        return Image.fromarray(image).convert("RGB")
    return decode(Path(image) if isinstance(image, str) else image)


def decode(source: bytes | Path, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> Image.Image:
    """Decode one image to 8-bit RGB, upright; Pillow may warn of damaged metadata.

    EXIF orientation is applied, transparency is laid over white, 16-bit samples are scaled to 8 bits, and
    greyscale, palette and CMYK become RGB.

    Args:
        source: the encoded bytes, or the path of a file.
        max_pixels: largest accepted width x height; Pillow's own limit, ``PIL.Image.MAX_IMAGE_PIXELS``, holds as well.
        name: how error messages call the image; the path, or ``image``, by default.

    Raises:
        UnsupportedImageError: the bytes are in none of ``FORMATS``.
        BrokenImageError: the image is empty, truncated, damaged or has too many pixels.
    """
    label = name or (source.name if isinstance(source, Path) else "image")
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise BrokenImageError(f"{label}: cannot be read ({error.strerror}).") from None
    if not data:
        raise BrokenImageError(f"{label}: the file is empty; send an image.")
    limit = min(max_pixels, Image.MAX_IMAGE_PIXELS or max_pixels)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image, limit, label)
            image.load()
            return to_rgb(image)
    except UnidentifiedImageError:
        raise UnsupportedImageError(
            f"{label}: not an image in a format REASON reads; send {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BrokenImageError(f"{label}: more than {limit:,} pixels; send a smaller image.") from None
    except BrokenImageError:
        raise
    except Exception as error:  # Pillow's plugins raise many types on damaged files
        raise BrokenImageError(f"{label}: damaged or truncated ({error}); send it again.") from None


def _check_size(image: Image.Image, max_pixels: int, label: str) -> None:
    if image.width * image.height > max_pixels:
        raise BrokenImageError(
            f"{label}: {image.width} x {image.height} is more than {max_pixels:,} pixels; send a smaller image."
        )


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn any Pillow image upright and into 8-bit RGB, transparency over white."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(_to_8_bit(np.asarray(image)))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def to_png(image: Image.Image) -> bytes:
    """Return a picture as the bytes of a PNG file, which loses nothing."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def to_picture(pixels: torch.Tensor) -> Image.Image:
    """Turn uint8 pixels ``[1 or 3, h, w]`` into a greyscale or RGB image."""
    return Image.fromarray(np.ascontiguousarray(pixels.permute(1, 2, 0).squeeze(2).numpy()))


def _to_8_bit(samples: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale wide samples by the range of their type: 16-bit integers by 257, floats in [0, 1] by 255."""
    wide = samples.astype(np.float32)
    if np.issubdtype(samples.dtype, np.floating):
        if wide.max(initial=0) <= 1:
            wide *= 255
    elif samples.dtype != np.uint8 and (wide.max(initial=0) > 255 or samples.dtype == np.uint16):
        wide /= 257
    return np.nan_to_num(wide).round().clip(0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a decoded image becomes the base classifier's input: one way, in training, fitting and serving.

    By default the picture is squashed to a square (nothing is cropped away). What a classifier was trained with may be
    otherwise: see ``fit``. The result is always a square of whole levels, which is standardised by ``normalise``.

    Raises:
        SettingsError: a size is not positive or the square is larger than what it is cut from, an option is unknown,
            or mean and std are not one number a channel.
    """

    size: int
    """Side of the square, in pixels."""
    mode: Literal["RGB", "L"]
    """Colour, or greyscale with one channel."""
    mean: tuple[float, ...]
    """Mean of each channel, of pixels in [0, 1]."""
    std: tuple[float, ...]
    """Standard deviation of each channel, of pixels in [0, 1]."""
    fit: Fit = "squash"
    """``squash``: both sides become ``resize``. ``crop``: the shorter one does. ``pad``: the longer one does. Then the
    middle square of ``size`` is cut out; with ``pad`` the rest of it is filled with the mean.
    """
    resize: int | None = None
    """Side that the picture is resized to, in pixels; ``size`` when not given."""
    interpolation: Interpolation = "bicubic"
    """How pixels between pixels are found; all but ``nearest`` average when the picture shrinks."""
    resampler: Resampler = "pillow"
    """``pillow``, or ``torchvision`` for its resizing of tensors with antialiasing, which differs in single levels."""
    centre: Centre = "round"
    """Which pixel the middle starts at when it falls between two: the even one, or the one before (``floor``)."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require_options(self)
        require(self.size > 0, "size", f"must be positive, not {self.size}.")
        for key, numbers in (("mean", self.mean), ("std", self.std)):
            require(len(numbers) == self.channels, key, f"needs one number for each channel of {self.mode}.")
            require(all(map(math.isfinite, numbers)), key, "must be finite.")
        require(all(number > 0 for number in self.std), "std", "must be positive.")
        self._check_resize()

    def _check_resize(self) -> None:
        if self.resize is not None:
            smallest, largest = (1 if self.fit == "pad" else self.size), MOST_RESIZED
            problem = f"must be from {smallest} to {largest} for {self.fit} to {self.size} pixels, not {self.resize}."
            require(smallest <= self.resize <= largest, "resize", problem)
        if self.resampler == "torchvision":
            known = ", ".join(TORCHVISION)
            problem = f"must be one of {known} with torchvision's resampler, not {self.interpolation}."
            require(self.interpolation in TORCHVISION, "interpolation", problem)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the input."""
        return self.channels, self.size, self.size

    @property
    def channels(self) -> int:
        """Number of channels of the input."""
        return len(self.mode)

    def square(self, image: Image.Image) -> Image.Image:
        """Return the part of the image that is judged, in this mode: what ``pixels`` holds, as a picture.

        Raises:
            BrokenImageError: the image is a strip that cannot be resized.
        """
        image = image.convert(self.mode)
        side = self.resize or self.size
        width, height = sides(self.fit, side, image.width, image.height)
        image = resized(image, width, height, self.interpolation, self.resampler)
        fill = tuple(min(255, max(0, round(255 * level))) for level in self.mean)
        return image if image.size == (self.size, self.size) else middle(image, self.size, fill, self.centre)

    def pixels(self, image: Image.Image) -> torch.Tensor:
        """Return ``square`` as uint8 ``[channels, size, size]``."""
        array = np.asarray(self.square(image)).reshape(self.size, self.size, self.channels)
        return torch.from_numpy(array.transpose(2, 0, 1).copy())

    def prepare(self, image: ImageInput | Prepared) -> Prepared:
        """Return ``pixels`` of any picture; what was prepared before stays as it is.

        Raises:
            ReasonError: see ``rgb_of``, or prepared pixels are not uint8 ``[channels, size, size]``.
        """
        if not isinstance(image, torch.Tensor):
            return self.pixels(rgb_of(image))
        expected = self.shape
        if image.dtype != torch.uint8 or image.shape != expected:
            raise ReasonError(f"pixels must be uint8 {list(expected)}, not {image.dtype} {list(image.shape)}.")
        return image

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """Turn pixels ``[n, channels, h, w]`` (uint8, or float in [0, 255]) into standardised float32."""
        mean = torch.tensor(self.mean, device=pixels.device).view(1, -1, 1, 1) * 255
        std = torch.tensor(self.std, device=pixels.device).view(1, -1, 1, 1) * 255
        return (pixels.float() - mean) / std

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON; what has its default value is left out."""
        table: dict[str, Any] = plain(self, defaults=False)
        return table
