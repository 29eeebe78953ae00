"""The two views and the model switch: links, the address, the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from .made_up import MadeUp
from .visit import Visit

pytestmark = pytest.mark.browser


def test_one_model_needs_no_switch(visit: Visit) -> None:
    page = visit.open()
    expect(page.locator("#model-name")).to_have_text("tiny")
    expect(page.locator("#model-switch")).to_be_hidden()


def test_switch_names_the_model_that_judges(visit: Visit, made_up: MadeUp, pictures: Path) -> None:
    page = visit.open()
    expect(page.locator("#dropzone-title")).to_have_text("Drop images of digits here, or paste one")
    page.get_by_label("Model").select_option("photos")
    expect(page.locator("#known-classes")).to_have_text("The model photos knows 2 classes: cat, dog.")
    assert page.url.endswith("#judge?model=photos")
    visit.choose(pictures / "circle.png")
    assert made_up.asked[-1].settings == {"model": "photos"}
    expect(page.locator("#neighbours-title")).to_have_text("Nearest training photos")
    page.get_by_label("Model").select_option("digits")
    visit.choose(pictures / "cross.png")
    assert made_up.asked[-1].settings == {"model": "digits"}
    expect(page.locator("#verdict-model")).to_have_text("The classifier digits says")
    expect(page.locator("#neighbours-title")).to_have_text("Nearest training digits")


@pytest.mark.usefixtures("made_up")
def test_link_opens_view_and_model(visit: Visit) -> None:
    page = visit.open(f"{visit.server}/#lab?model=photos")
    expect(page.get_by_role("heading", name="Lab", exact=True)).to_be_visible()
    expect(page.get_by_label("Model")).to_have_value("photos")
    expect(page.locator("#welcome")).to_be_hidden()
    page.get_by_role("link", name="Judge", exact=True).click()
    expect(page.locator("#welcome")).to_be_visible()
    assert page.url.endswith("#judge?model=photos")
    page.go_back()
    expect(page.locator("#lab-result")).to_be_visible()
    expect(page.get_by_role("link", name="Lab")).to_have_attribute("aria-current", "page")


@pytest.mark.usefixtures("made_up")
def test_unknown_model_in_a_link_is_said(visit: Visit) -> None:
    page = visit.open(f"{visit.server}/#judge?model=gone")
    expect(page.locator("#notice")).to_have_text("The service holds no model named gone; digits judges in its place.")
    expect(page.get_by_label("Model")).to_have_value("digits")


@pytest.mark.usefixtures("made_up")
def test_keyboard_reaches_lab_and_skip_link_keeps_it(visit: Visit) -> None:
    page = visit.open()
    for _ in ("skip link", "judge", "lab"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#lab-result")).to_be_visible()
    page.locator("#skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert "#lab" in page.url


def test_second_bundle_judges_when_it_is_chosen(visit: Visit, two_models: str, pictures: Path) -> None:
    page = visit.open(f"{two_models}/")
    expect(page.get_by_label("Model")).to_have_value("tiny")
    page.get_by_label("Model").select_option("twin")
    assert visit.choose(pictures / "circle.png").json()["model"] == "twin"
