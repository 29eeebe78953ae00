"""Draw ``docs/screenshot.png``, the picture in the README: ``python -m docs.screenshot [--output FILE]``.

It shows the page on a digit that ships with scikit-learn, so it needs no data set; it needs Playwright and a Chromium.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from reason.serving import Settings, create_app
from reason.serving.server import Server

TARGET = Path(__file__).with_name("screenshot.png")
ADDRESS = "#lab?model=mnist"
DIGIT, CORRUPTION, SEVERITY = 16, "rotate", 0.7
SIZE: ViewportSize = {"width": 1240, "height": 760}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 180_000


def service() -> AbstractContextManager[str]:
    """Serve the bundles that ship on a free port, and give the address."""
    settings = Settings(port=0, log_level="error", data=Path("none"))
    return Server(settings, create_app(settings)).in_thread()


@contextmanager
def browser_page() -> Iterator[Page]:
    """Open a tab in a headless browser of this machine."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        sys.exit(f"No browser found; install one of {', '.join(BROWSERS)}.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, device_scale_factor=1.0, reduced_motion="reduce", color_scheme="light")
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=TARGET, show_default=True)
def main(output: Path) -> None:
    """Draw the page as it judges a rotated digit."""
    expect.set_options(timeout=PATIENCE_MS)
    with service() as url, browser_page() as page:
        page.goto(f"{url}/{ADDRESS}", wait_until="networkidle")
        page.fill("#sample-index", str(DIGIT))
        page.press("#sample-index", "Enter")
        page.select_option("#corruption", CORRUPTION)
        page.locator("#severity").fill(str(SEVERITY))
        expect(page.locator("#lab-caption")).to_contain_text(f"severity {SEVERITY:.2f}")
        expect(page.locator("#sample-source")).to_contain_text(f"{DIGIT} of")
        page.wait_for_load_state("networkidle")
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        page.screenshot(path=output)
    click.echo(f"{output}: {output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
