"""What the page makes of answers that the tiny bundle never gives."""

# ruff: noqa: RUF001 (the signs that the page writes are meant)

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .visit import Visit

pytestmark = pytest.mark.browser

VERDICT: dict[str, Any] = {
    "model": "tiny",
    "digest": "0" * 64,
    "source": "circle.png",
    "class": "circle",
    "class_index": 0,
    "confidence": 0.97,
    "probabilities": {"circle": 0.97, "cross": 0.02, "square": 0.01},
    "reliability": 0.41,
    "decision": "review",
    "threshold": 0.8,
    "certificate": {
        "risk": 0.02,
        "delta": 0.05,
        "n": 1894,
        "bound": 0.019,
        "coverage": 0.927,
        "method": "exact",
    },
    "diagnostics": {"entropy": 0.12, "a_signal_of_tomorrow": 0.000032},
    "meta_names": ["entropy", "a_signal_of_tomorrow", "pca_001", "pca_002"],
    "meta_vector": [0.12, 0.000032, -1.5, 3.0],
    "neighbours": [{"label": "cross", "distance": 0.5, "source": "cross/1.png"}],
    "timings_ms": {"total": 12.5},
}


def show(visit: Visit, pictures: Path, **changes: Any) -> None:
    verdict = copy.deepcopy(VERDICT) | changes
    visit.page.route("**/predict", lambda route: route.fulfill(json=verdict))
    visit.open()
    visit.choose(pictures / "circle.png")


def test_confident_but_unreliable_is_called_out(visit: Visit, pictures: Path) -> None:
    show(visit, pictures)
    assert visit.text("#badge") == "Review"
    assert visit.text("#contrast").startswith("Confident but unreliable: the classifier says it is 97% sure")
    expect(visit.page.get_by_role("img", name="Reliability 41.0%, accepted from 80.0%")).to_be_visible()


def test_hesitant_but_reliable_is_called_out(visit: Visit, pictures: Path) -> None:
    show(visit, pictures, confidence=0.6, reliability=0.9, decision="accept")
    assert visit.text("#contrast").startswith("Hesitant but reliable: the classifier says it is only 60% sure")


@pytest.mark.parametrize(
    ("confidence", "reliability", "decision"), [(0.97, 0.95, "accept"), (0.42, 0.17, "review"), (0.8, 0.7, "review")]
)
def test_confidence_that_fits_has_no_callout(
    visit: Visit, pictures: Path, confidence: float, reliability: float, decision: str
) -> None:
    show(visit, pictures, confidence=confidence, reliability=reliability, decision=decision)
    assert visit.text("#badge") == decision.capitalize()
    expect(visit.page.locator("#contrast")).to_be_hidden()


def test_review_is_marked_in_the_strip(visit: Visit, pictures: Path) -> None:
    show(visit, pictures)
    visit.page.set_input_files("#files", pictures / "cross.png")
    expect(visit.page.locator("#strip-summary")).to_have_text("2 images: 2 to review")
    expect(visit.page.locator('.thumb[data-state="review"]')).to_have_count(2)
    expect(visit.page.get_by_role("button", name="cross.png: circle, review, reliability 41.0%")).to_be_visible()


def test_unknown_signal_is_shown_by_its_name(visit: Visit, pictures: Path) -> None:
    show(visit, pictures)
    signals = visit.page.locator(".signal")
    assert signals.nth(0).locator("dt").inner_text().split() == ["Entropy", "entropy"]
    assert signals.nth(0).locator(".signal-value").inner_text() == "0.120 nats"
    assert signals.nth(1).locator("dt").inner_text() == "a_signal_of_tomorrow"
    assert signals.nth(1).locator(".signal-value").inner_text() == "3.2 × 10⁻⁵"


def test_missing_certificate_and_bank_are_said(visit: Visit, pictures: Path) -> None:
    show(visit, pictures, certificate=None, neighbours=[])
    assert visit.text("#certificate") == "This threshold has no certificate: no error rate is guaranteed at it."
    assert visit.page.locator("#seal").get_attribute("href") == "#icon-unsealed"
    assert visit.text("#neighbours-note") == "This model keeps no bank of training photos."


def test_many_classes_are_cut_with_a_count(visit: Visit, pictures: Path) -> None:
    show(visit, pictures, probabilities={"circle": 0.5} | {f"class {i}": 0.0005 for i in range(1000)})
    assert visit.page.locator("#classes li").count() == 12
    assert visit.text("#classes-more") == "and 989 more below these."


def test_numbers_of_one_unit_share_a_linear_scale(visit: Visit, pictures: Path) -> None:
    show(visit, pictures)
    bars = visit.page.locator(".shared", has_text="pca_001").locator(".fill")
    # From -1.5 to 3, zero stands at a third.
    assert [bars.nth(0).get_attribute(name) for name in ("x", "width")] == ["0.000%", "33.333%"]
    assert [bars.nth(1).get_attribute(name) for name in ("x", "width")] == ["33.333%", "66.667%"]


def test_numbers_of_many_sizes_step_by_decades(visit: Visit) -> None:
    visit.open()
    at = visit.page.evaluate(
        "(() => { const scale = Reason.charts.signedLogScale([0.01, 10, -1]);"
        " return [-1, 0, 0.01, 0.1, 1, 10].map(scale.at); })()"
    )
    # 0.01 is 0.6 of a step from zero: 2.6 steps below zero to -1, 3.6 steps above to 10.
    assert at == pytest.approx([step / 6.2 for step in (0, 2.6, 3.2, 4.2, 5.2, 6.2)])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("percent(0.99996)", ">99.9%"),
        ("percent(0.00004)", "<0.1%"),
        ("percent(1)", "100.0%"),
        ("percent(0)", "0.0%"),
        ("percent(null)", "–"),
        ("number(-12.3456)", "−12.35"),
        ("number(0)", "0"),
        ("number(1234567)", "1.2 × 10⁶"),
        ("number(null)", "–"),
        ("setting(0.02)", "2%"),
        ("setting(1 - 0.05)", "95%"),
        ("bytes(1536)", "2 KB"),
        ("count(1, 'image')", "1 image"),
        ("count(2000, 'image')", "2,000 images"),
    ],
)
def test_formats(visit: Visit, call: str, text: str) -> None:
    visit.open()
    assert visit.page.evaluate(f"Reason.format.{call}") == text


def test_markup_in_an_answer_stays_text(visit: Visit, pictures: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    show(
        visit,
        pictures,
        **{"class": hostile},
        probabilities={hostile: 1.0},
        diagnostics={hostile: 1.0},
        meta_names=[hostile],
        meta_vector=[1.0],
        neighbours=[{"label": hostile, "distance": 0.1, "source": hostile}],
    )
    assert visit.text("#verdict-class") == hostile
    assert visit.page.locator("#result img:not(#photo)").count() == 0


def test_answer_that_is_no_verdict_is_an_error(visit: Visit, pictures: Path) -> None:
    visit.page.route("**/predict", lambda route: route.fulfill(body="<h1>Another program</h1>"))
    visit.open()
    visit.choose(pictures / "circle.png")
    assert "not with a verdict" in visit.text("#failure-detail")
    assert visit.page.locator("#retry").is_visible()
