"""A real server on a free port, with the tiny bundle, for every test of the service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from PIL import Image, ImageDraw

from reason.serving import Settings, create_app
from reason.serving.server import Server

Start = Callable[..., str]


def running(app: Flask, settings: Settings) -> AbstractContextManager[str]:
    """Serve an app in a thread; give its address."""
    return Server(settings, app).in_thread()


def make_app(bundle_folder: Path, **overrides: Any) -> tuple[Flask, Settings]:
    # A busy machine may be slow; no test but the one of this limit shall depend on it.
    chosen: dict[str, Any] = {"bundles": bundle_folder, "port": 0, "timeout_s": 600.0} | overrides
    settings = Settings(**chosen)
    return create_app(settings), settings


@pytest.fixture(scope="session")
def service(bundle_folder: Path) -> Iterator[str]:
    """Address of a service with default settings."""
    with running(*make_app(bundle_folder)) as url:
        yield url


@pytest.fixture
def start(bundle_folder: Path) -> Iterator[Start]:
    """Start a service with some settings of its own; return its address."""
    with ExitStack() as stack:
        yield lambda **overrides: stack.enter_context(running(*make_app(bundle_folder, **overrides)))


@pytest.fixture(scope="session")
def picture() -> Image.Image:
    """A photo-like picture with no symmetry: a gradient, noise, a disc in one corner and a bar in another."""
    random = np.random.default_rng(7)
    rows, columns = np.mgrid[0:48, 0:64]
    pixels = np.stack([rows * 4, columns * 3, (rows + columns) * 2], axis=2) + random.integers(0, 30, (48, 64, 3))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.ellipse((4, 4, 24, 24), fill=(220, 40, 40))
    pen.rectangle((40, 38, 62, 46), fill=(30, 30, 220))
    return image
