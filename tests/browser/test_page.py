"""The page, in headless Chromium against a real service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import expect

from reason.base.views import VIEWS

from .visit import Visit

pytestmark = pytest.mark.browser

INDEX = Path(__file__).resolve().parents[2] / "index.html"
LOCAL = "http://127.0.0.1:5000"

CONTRAST = """() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const node of document.querySelectorAll("body *")) {
    const written = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!written || !node.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(node);
    const colour = node instanceof SVGElement ? style.fill : style.color;
    const [ink, paper] = [channels(colour), ground(node)].map(luminance);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 4.5) weak.push(`${node.className || node.tagName}: ${ratio.toFixed(2)}`);
  }
  return weak;
}"""
"""Lists the visible texts whose contrast against their ground is below 4.5, by the WCAG 2 formula."""


def percent(share: float) -> str:
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{share * 100:.1f}%"


def test_welcomes_and_names_the_classes(visit: Visit) -> None:
    page = visit.open()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is the classifier right this time?")
    expect(page.locator("#known-classes")).to_have_text("The model tiny knows 3 classes: circle, cross, square.")
    assert visit.hosts() == {visit.server.removeprefix("http://")}


def test_chosen_image_shows_its_verdict(visit: Visit, pictures: Path) -> None:
    visit.open()
    verdict = visit.choose(pictures / "circle.png").json()
    assert visit.text("#verdict-class") == verdict["class"]
    assert visit.text("#verdict .reliability .meter-value") == percent(verdict["reliability"])
    assert visit.text("#verdict .confidence .meter-value") == percent(verdict["confidence"])
    assert visit.text("#badge") == verdict["decision"].capitalize()
    assert visit.page.locator(".gauge .threshold-line").get_attribute("x1") == f"{verdict['threshold'] * 100:.3f}%"
    expect(visit.page.locator("#photo-size")).to_contain_text("160 × 120 px")  # noqa: RUF001
    expect(visit.page.locator("#live")).to_contain_text(f"circle.png: {verdict['class']}, ")


def test_certificate_is_one_sentence_with_its_figures(visit: Visit, pictures: Path) -> None:
    visit.open()
    certificate = visit.choose(pictures / "circle.png").json()["certificate"]
    sentence = visit.text("#certificate")
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert f"at most {certificate['risk'] * 100:g}%" in sentence
    assert f"{(1 - certificate['delta']) * 100:g}% confidence" in sentence
    assert f"{certificate['n']:,} calibration images" in sentence


def test_class_bars_are_ranked_and_complete(visit: Visit, pictures: Path) -> None:
    visit.open()
    probabilities = visit.choose(pictures / "square.png").json()["probabilities"]
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    assert visit.page.locator("#classes .row-name").all_inner_texts() == [name for name, _ in ranked]
    assert visit.page.locator("#classes .row-value").all_inner_texts() == [percent(share) for _, share in ranked]
    widths = [fill.get_attribute("width") for fill in visit.page.locator("#classes .fill").all()]
    assert widths == [f"{share * 100:.3f}%" for _, share in ranked]


def test_every_signal_neighbour_and_column_is_shown(visit: Visit, pictures: Path) -> None:
    visit.open()
    verdict = visit.choose(pictures / "cross.png").json()
    assert visit.page.locator(".signal").count() == len(verdict["diagnostics"])
    assert visit.page.locator(".signal:not(:has(.signal-text))").count() == 0
    columns = [name.inner_text() for name in visit.page.locator(".columns .column-name").all()]
    assert sorted(columns) == sorted(verdict["meta_names"][:60])
    shown = visit.page.locator(".neighbour")
    visit.page.get_by_text("Show the other 5").click()
    for row, neighbour in zip(shown.all(), verdict["neighbours"], strict=True):
        assert row.locator("strong").inner_text() == neighbour["label"]
        assert row.locator(".neighbour-source").inner_text() == neighbour["source"]
        assert ("same" in (row.get_attribute("class") or "").split()) == (neighbour["label"] == verdict["class"])


def test_details_name_the_bundle_by_its_digest(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    digest = visit.choose(pictures / "cross.png").json()["digest"]
    expect(page.locator("#bundle")).to_have_text(f"Judged by the bundle tiny, digest {digest[:12]}.")
    expect(page.locator("#bundle")).to_have_attribute("title", digest)


def test_each_view_folds_its_signals_behind_what_it_says_of_the_class(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    verdict = visit.choose(pictures / "cross.png").json()
    said = {view: f"probability {percent(verdict['diagnostics'][f'{view}_probability'])}" for view in VIEWS}
    assert page.locator("#diagnostics-sections summary").all_inner_texts() == [
        f"Picture shrunk to two fifths of its side: {said['shrunk']}",
        f"Middle of the picture, mirrored: {said['middle']}",
    ]
    folded = page.locator("#diagnostics-sections details").nth(1)
    expect(folded.locator(".signal").first).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.locator(".signal").first).to_be_visible()
    names = folded.locator("code").all_inner_texts()
    assert names == [name for name in verdict["diagnostics"] if name.startswith("middle_")]
    assert page.locator("#diagnostics code", has_text="middle_").count() == 0


def test_copied_json_is_the_answer(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=visit.server)
    answer = visit.choose(pictures / "circle.png").json()
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.locator("#copy")).to_have_text("Copied")
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == answer
    page.get_by_text("Show the JSON").click()
    assert json.loads(visit.text("#json")) == answer


def test_dropped_images_are_each_judged(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    names = ["circle.png", "truncated.png", "square.png"]
    target = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(pictures / name) for name in names], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver"):
        target.send("Input.dispatchDragEvent", {"type": kind, "x": 640, "y": 400, "data": data})
    expect(page.locator("#drop-veil")).to_be_visible()
    target.send("Input.dispatchDragEvent", {"type": "drop", "x": 640, "y": 400, "data": data})
    expect(page.locator("#drop-veil")).to_be_hidden()
    expect(page.locator('.thumb[data-state="waiting"]')).to_have_count(0)
    thumbs = page.locator(".thumb")
    expect(thumbs).to_have_count(3)
    expect(thumbs.nth(1)).to_have_attribute("data-state", "failed")
    thumbs.nth(1).click()
    expect(page.locator("#failure-detail")).to_contain_text("truncated.png")
    thumbs.nth(1).press("ArrowRight")
    expect(page.locator("#photo-name")).to_have_text("square.png")
    expect(page.locator("#verdict")).to_be_visible()
    assert all("422" in error for error in visit.errors)
    visit.errors.clear()


def test_pasted_image_is_judged(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=visit.server)
    page.evaluate(
        """async (bytes) => {
          const blob = new Blob([new Uint8Array(bytes)], { type: "image/png" });
          await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        list((pictures / "square.png").read_bytes()),
    )
    with page.expect_response("**/predict") as answer:
        page.keyboard.press("Control+V")
    visit.settle()
    assert visit.text("#verdict-class") == answer.value.json()["class"]


def test_page_opened_from_disk_talks_to_the_local_service(visit: Visit, pictures: Path) -> None:
    page = visit.page
    page.context.route(f"{LOCAL}/**", lambda route: route.continue_(url=route.request.url.replace(LOCAL, visit.server)))
    visit.open(INDEX.as_uri())
    expect(page.locator("#known-classes")).to_contain_text("The model tiny")
    verdict = visit.choose(pictures / "circle.png").json()
    assert visit.text("#verdict-class") == verdict["class"]
    assert page.locator("#photo").evaluate("image => image.naturalWidth") == 160
    assert visit.hosts() == {"", "127.0.0.1:5000"}


@pytest.mark.parametrize(
    ("name", "status"),
    [("truncated.png", 422), ("letter.txt", 415), ("huge.png", 413)],
    ids=["truncated", "not an image", "over the limit"],
)
def test_refused_file_shows_the_sentence(visit: Visit, pictures: Path, name: str, status: int) -> None:
    visit.open()
    answer = visit.choose(pictures / name)
    assert answer.status == status
    assert visit.text("#failure-detail") == answer.json()["detail"]
    assert answer.json()["request_id"] in visit.text("#failure-trace")
    assert visit.page.locator("#retry").is_hidden()
    assert visit.page.locator("#verdict").is_hidden()
    assert len(visit.errors) == 1
    visit.errors.clear()


def test_absent_service_says_what_to_start_and_recovers(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    page.context.route("**/*", lambda route: route.abort("connectionrefused"))
    page.set_input_files("#files", pictures / "circle.png")
    visit.settle()
    assert visit.server in visit.text("#failure-detail")
    assert visit.text("#failure-command") == "make serve"
    page.context.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#verdict")).to_be_visible()
    assert all("ERR_CONNECTION_REFUSED" in error for error in visit.errors)
    visit.errors.clear()


def test_page_notices_when_the_service_starts(visit: Visit) -> None:
    page = visit.page
    page.route("**/models", lambda route: route.abort("connectionrefused"))
    visit.open()
    expect(page.locator("#notice")).to_contain_text(f"Nothing answers at {visit.server}; start the service with")
    page.unroute("**/models")
    expect(page.locator("#known-classes")).to_contain_text("The model tiny")
    expect(page.locator("#notice")).to_be_hidden()
    assert all("ERR_CONNECTION_REFUSED" in error for error in visit.errors)
    visit.errors.clear()


def test_image_that_the_browser_cannot_show_is_judged(visit: Visit, pictures: Path) -> None:
    visit.open()
    verdict = visit.choose(pictures / "scan.tiff").json()
    assert visit.text("#verdict-class") == verdict["class"]
    expect(visit.page.locator("#photo-missing")).to_have_text("This browser cannot show the file.")


def test_tried_threshold_decides_again_without_the_certificate(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    verdict = visit.choose(pictures / "circle.png").json()
    asked = len(visit.requested)
    page.get_by_text("Try another threshold").click()
    page.locator("#threshold").fill("0")
    assert visit.text("#badge") == "Would accept"
    page.locator("#threshold").fill("1")
    assert visit.text("#badge") == "Would review"
    assert "no longer applies" in visit.text("#certificate")
    page.get_by_role("button", name="Reset").click()
    assert visit.text("#badge") == verdict["decision"].capitalize()
    assert len(visit.requested) == asked


def test_start_over_returns_to_the_welcome(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    visit.choose(pictures / "circle.png", pictures / "cross.png")
    page.get_by_role("button", name="Start over").click()
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#workspace")).to_be_hidden()
    visit.choose(pictures / "square.png")
    expect(page.locator("#strip")).to_be_hidden()


def test_keyboard_alone_reaches_the_chooser(visit: Visit, pictures: Path) -> None:
    page = visit.open()
    for _ in ("skip link", "judge", "lab", "chooser"):
        page.keyboard.press("Tab")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(pictures / "circle.png")
    visit.settle()
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("width", [360, 390, 768, 1280, 1920])
def test_nothing_overflows_sideways(visit: Visit, pictures: Path, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 800})
    page = visit.open()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    visit.choose(pictures / "circle.png", pictures / "cross.png", pictures / "square.png")
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_contrast_is_at_least_4_5(visit: Visit, pictures: Path, scheme: Literal["light", "dark"]) -> None:
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page = visit.open()
    visit.choose(pictures / "circle.png")
    weak = page.evaluate(CONTRAST)
    assert weak == []
