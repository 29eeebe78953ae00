"""A service of made-up answers, put before the real one in a tab."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from playwright.sync_api import Page, Route

COUNT = 3
LOOK_MS = 50
MOST_LOOKS = 3600
MODELS = [
    {
        "name": "digits",
        "title": "Digits",
        "classes": list("0123456789"),
        "input": {"size": 28, "mode": "L"},
        "signal_families": [],
    },
    {
        "name": "photos",
        "title": "Photos",
        "classes": ["cat", "dog"],
        "input": {"size": 160, "mode": "RGB"},
        "signal_families": [],
    },
]
CORRUPTIONS = {
    "families": ["noise", "geometry"],
    "corruptions": [
        {"name": "speckle", "family": "noise", "summary": "Grainy.", "published": False},
        {"name": "rotate", "family": "geometry", "summary": "Turned.", "published": True},
        {"name": "zoom_blur", "family": "geometry", "summary": "Rushed.", "published": False},
    ],
}
MAP = {
    "model": "digits",
    "points": [[0, 0], [10, 0], [0, 4], [10, 4]],
    "failure_probability": [0.05, 0.3, 0.6, 0.9],
    "correct": [True, True, False, False],
    "explained_variance": [0.5, 0.25],
}


@dataclass
class Asked:
    """One request for a verdict, which the test answers."""

    route: Route
    settings: dict[str, str]
    file: str
    """Name of the image; the browser does not tell what a file holds."""

    def answer(self, **changes: Any) -> None:
        """Answer with a verdict: class 7, confidence 0.9, reliability 1 - severity."""
        severity = float(self.settings.get("severity", 0))
        seed = int(self.settings.get("seed", 0))
        verdict: dict[str, Any] = {
            "model": self.settings.get("model"),
            "digest": "0" * 64,
            "source": "made-up.png",
            "class": "7",
            "class_index": 7,
            "confidence": 0.9,
            "probabilities": {"7": 0.9, "1": 0.1},
            "reliability": 1 - severity,
            "decision": "accept" if 1 - severity >= 0.6 else "review",
            "threshold": 0.6,
            "certificate": None,
            "diagnostics": {},
            "meta_names": [],
            "meta_vector": [],
            "neighbours": [],
            "latent": [10 * severity, 4 * severity],
            "timings_ms": {"total": 1.0},
        }
        if name := self.settings.get("corruption"):
            verdict["corruption"] = {"name": name, "severity": severity, "seed": seed, "picture": picture()}
        self.route.fulfill(json=verdict | changes)

    def refuse(self, detail: str, status: int = 422) -> None:
        """Answer with a problem document."""
        self.route.fulfill(json={"detail": detail}, status=status, content_type="application/problem+json")


@dataclass
class MadeUp:
    """What stands before the service in one tab."""

    answers: dict[str, Any] = field(default_factory=dict)
    """Changes of every verdict that is answered at once."""
    hold: bool = False
    """Keep requests for a verdict in ``asked``, unanswered."""
    asked: list[Asked] = field(default_factory=list)

    def stand_before(self, page: Page) -> None:
        """Answer what the page asks for from now on."""
        page.route("**/models", lambda route: route.fulfill(json={"default": "digits", "models": MODELS}))
        page.route("**/corruptions", lambda route: route.fulfill(json=CORRUPTIONS))
        page.route("**/models/*/map", lambda route: route.fulfill(json=MAP))
        page.route("**/samples?*", _sample)
        page.route("**/predict", self._predict)

    def wait(self, page: Page, count: int) -> None:
        """Wait until so many verdicts have been asked for."""
        for _ in range(MOST_LOOKS):
            if len(self.asked) >= count:
                return
            page.wait_for_timeout(LOOK_MS)
        raise AssertionError(f"{len(self.asked)} verdicts were asked for, not {count}")

    def _predict(self, route: Route) -> None:
        asked = _read(route)
        self.asked.append(asked)
        if not self.hold:
            asked.answer(**self.answers)


def picture(side: int = 28) -> str:
    """Return a black square as a ``data:`` URI."""
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _read(route: Route) -> Asked:
    request = route.request
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    settings, file = {}, ""
    for part in BytesParser().parsebytes(head + (request.post_data_buffer or b"")).get_payload():
        assert isinstance(part, Message)
        if sent := part.get_filename():
            file = sent
        else:
            value = part.get_payload(decode=True)
            assert isinstance(value, bytes)
            settings[str(part.get_param("name", header="content-disposition"))] = value.decode()
    return Asked(route, settings, file)


def _sample(route: Route) -> None:
    query = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
    index = int(query["index"])
    if not 0 <= index < COUNT:
        detail = f"index {index}: there are {COUNT} samples, counted from 0."
        route.fulfill(json={"detail": detail}, status=422, content_type="application/problem+json")
        return
    label = "7" if query["model"] == "digits" else "cat"
    answer = {"index": index, "count": COUNT, "source": "Made up", "label": label, "name": f"{index:05d}"}
    route.fulfill(json=answer | {"model": query["model"], "picture": picture()})
