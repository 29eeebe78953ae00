"""The lab against the real service, served and opened from disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from reason.data.corruptions import CORRUPTIONS

from .test_page import INDEX, LOCAL
from .visit import Visit

pytestmark = pytest.mark.browser


def try_own_picture(page: Page, picture: Path) -> None:
    """Comparison an own picture in the lab, corrupted and swept; the tiny bundle has no samples."""
    expect(page.locator("#lab-notice")).to_contain_text("samples")
    page.set_input_files("#own-file", picture)
    expect(page.locator("#lab-result")).to_be_visible()
    page.get_by_label("Corruption", exact=True).select_option("noise")
    expect(page.locator("#lab-caption")).to_have_text("noise, severity 0.50, seed 0")
    expect(page.locator("#map .here")).to_have_attribute("visibility", "visible")
    page.get_by_role("button", name="Run the sweep").click()
    expect(page.locator("#sweep-rows tr")).to_have_count(11)


def test_own_picture_is_corrupted_and_swept(visit: Visit, pictures: Path) -> None:
    page = visit.open(f"{visit.server}/#lab")
    try_own_picture(page, pictures / "circle.png")
    names = page.locator("#corruption option").evaluate_all("options => options.map(({ value }) => value)")
    assert names == ["none", *CORRUPTIONS]
    assert page.locator("#lab-picture").evaluate("image => image.naturalWidth") == 32
    assert all("404" in error for error in visit.errors)
    visit.errors.clear()


def test_uncorrupted_picture_is_judged_as_in_the_other_view(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    verdict = visit.choose(pictures / "circle.png").json()
    page.get_by_role("link", name="Lab").click()
    expect(page.locator("#lab-notice")).to_be_visible()
    page.get_by_label("Corruption", exact=True).select_option("none")
    with page.expect_response("**/predict") as answer:
        page.set_input_files("#own-file", pictures / "circle.png")
    assert answer.value.json()["reliability"] == pytest.approx(verdict["reliability"])
    expect(page.locator("#lab-caption")).to_have_text("Not corrupted")
    visit.errors.clear()


def test_lab_opened_from_disk_talks_to_the_local_service(visit: Visit, pictures: Path) -> None:
    page = visit.page
    page.context.route(f"{LOCAL}/**", lambda route: route.continue_(url=route.request.url.replace(LOCAL, visit.server)))
    visit.open(f"{INDEX.as_uri()}#lab")
    try_own_picture(page, pictures / "circle.png")
    assert visit.hosts() == {"", "127.0.0.1:5000"}
    visit.errors.clear()
