"""One browser tab on the page, as the tests drive it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response


@dataclass
class Visit:
    """One browser tab, with what it logged and whom it asked."""

    page: Page
    server: str
    errors: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def open(self, address: str | None = None) -> Page:
        self.page.goto(address or f"{self.server}/", wait_until="networkidle")
        return self.page

    def choose(self, *paths: Path) -> Response:
        """Choose files, and return the answer about the first."""
        with self.page.expect_response("**/predict") as answer:
            self.page.set_input_files("#files", list(paths))
        self.settle()
        return answer.value

    def settle(self) -> None:
        """Wait until the shown image has its verdict or its failure."""
        self.page.wait_for_selector("#verdict:visible, #failure:visible")

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.requested if not url.startswith(("blob:", "data:"))}
