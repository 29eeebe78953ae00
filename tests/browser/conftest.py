"""A real service in a thread, and headless Chromium to drive its page."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect, sync_playwright

from reason.bundle.card import write
from reason.bundle.folders import CARD
from reason.serving import Settings, create_app
from reason.serving.server import Server

from .made_up import MadeUp
from .visit import Visit

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MAX_UPLOAD_BYTES = 1024 * 1024
PATIENCE_MS = 180_000
"""Longer than any machine needs: a wait ends as soon as the page has what it waits for."""


def chromium() -> str | None:
    named = os.environ.get("REASON_CHROMIUM")
    if named:
        return shutil.which(named)
    for candidate in (
        "/usr/bin/chromium",
        "/usr/bin/google-chrome",
        "chromium",
        "chromium-browser",
        "google-chrome",
    ):
        if found := shutil.which(candidate):
            return found
    return None


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium: install the package chromium, or name one in REASON_CHROMIUM")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield started
        started.close()


def serve(bundles: Path) -> Iterator[str]:
    """Run a service in a thread, and give its address."""
    settings = Settings(port=0, bundles=bundles, max_upload_bytes=MAX_UPLOAD_BYTES)
    with Server(settings, create_app(settings)).in_thread() as address:
        yield address


@pytest.fixture(scope="session")
def live_server(bundle_folder: Path) -> Iterator[str]:
    """Return the address of a service that judges with the tiny bundle."""
    yield from serve(bundle_folder)


@pytest.fixture(scope="session")
def two_models(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a service that holds the tiny bundle under two names."""
    folder = tmp_path_factory.mktemp("two")
    shutil.copytree(bundle_folder, folder / "tiny")
    shutil.copytree(bundle_folder, folder / "twin")
    card = json.loads((folder / "twin" / CARD).read_text(encoding="utf-8"))
    write(folder / "twin" / CARD, card | {"name": "twin"})
    yield from serve(folder)


@pytest.fixture
def visit(browser: Browser, live_server: str) -> Iterator[Visit]:
    """A fresh tab; at the end, no error may have been logged that the test did not clear."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    started = Visit(context.new_page(), live_server)
    started.page.on("pageerror", lambda error: started.errors.append(str(error)))
    started.page.on(
        "console",
        lambda line: started.errors.append(line.text) if line.type in ("error", "warning") else None,
    )
    started.page.on("request", lambda request: started.requested.append(request.url))
    yield started
    context.close()
    assert started.errors == []


@pytest.fixture
def made_up(visit: Visit) -> MadeUp:
    """Made-up answers of two models, before the tab's service."""
    answers = MadeUp()
    answers.stand_before(visit.page)
    return answers


@pytest.fixture
def lab(visit: Visit, made_up: MadeUp) -> Page:
    """The lab of the made-up model ``digits``, with the first answer shown."""
    page = visit.open(f"{visit.server}/#lab?model=digits")
    expect(page.locator("#lab-result")).to_be_visible()
    made_up.asked.clear()
    return page


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of shapes, a TIFF, and files to be refused: truncated, no image, over the limit."""
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("circle", "cross", "square"):
        _draw(name).save(folder / f"{name}.png")
    _draw("circle").save(folder / "scan.tiff")
    whole = (folder / "circle.png").read_bytes()
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "letter.txt").write_text("Dear reader,", encoding="utf-8")
    (folder / "huge.png").write_bytes(bytes(8 * MAX_UPLOAD_BYTES))
    return folder


def _draw(name: str) -> Image.Image:
    image = Image.new("RGB", (160, 120), (40, 60, 90))
    draw = ImageDraw.Draw(image)
    if name == "circle":
        draw.ellipse((40, 20, 120, 100), fill=(230, 220, 80))
    elif name == "square":
        draw.rectangle((40, 20, 120, 100), fill=(90, 200, 120))
    else:
        draw.line((40, 20, 120, 100), fill=(220, 90, 90), width=16)
        draw.line((40, 100, 120, 20), fill=(220, 90, 90), width=16)
    return image
