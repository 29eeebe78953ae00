"""What holds for every response: problems, request ids, headers, CORS, the log; and the routes that only read."""

from __future__ import annotations

import json
import logging
import re
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image

import reason
from reason.data.images import to_png
from reason.serving import Settings, create_app
from reason.serving.models import Models

Start = Callable[..., str]
ROOT = Path(__file__).parents[2]


def get(url: str, **options: object) -> requests.Response:
    return requests.get(url, timeout=120, **options)  # type: ignore[arg-type]


def test_unknown_path(service: str) -> None:
    answer = get(f"{service}/nothing", headers={"X-Request-ID": "r-1"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:reason:problem:unknown-path",
        "title": "Nothing at this address",
        "status": 404,
        "detail": "Nothing at /nothing; GET /openapi.json lists the routes.",
        "instance": "/nothing",
        "request_id": "r-1",
    }


def test_wrong_method(service: str) -> None:
    answer = get(f"{service}/predict")
    assert answer.status_code == 405
    assert answer.json()["type"] == "urn:reason:problem:wrong-method"
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize(
    ("header", "status", "title", "detail"),
    [
        (b"X y\r\n\r\n", 400, "Bad Request", "Invalid header"),
        (b"X: ".ljust(262_144 - 16, b"y"), 431, "Request Header Fields Too Large", "exceeds max_header of 262144"),
    ],
)
def test_request_that_never_reaches_the_app(service: str, header: bytes, status: int, title: str, detail: str) -> None:
    address = urlsplit(service)
    with socket.create_connection((address.hostname, address.port), timeout=120) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + header)
        answer = connection.makefile("rb").read().decode()
    head, body = answer.split("\r\n\r\n", 1)
    assert head.startswith(f"HTTP/1.0 {status} {title}\r\n")
    assert "Content-Type: application/problem+json" in head
    assert json.loads(body) == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": f"The request cannot be read: {detail}.",
    }


def test_unforeseen_error_is_a_problem_too(bundle_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Settings(bundles=bundle_folder))

    @app.get("/fails")
    def fails() -> str:
        raise KeyError("a secret")

    answer = app.test_client().get("/fails", headers={"X-Request-ID": "r-2"})
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert json.loads(answer.data)["type"] == "urn:reason:problem:internal"
    assert json.loads(answer.data)["detail"] == "An unforeseen error; its trace is in the log under request r-2."
    assert "request r-2 failed" in caplog.text


@pytest.mark.parametrize("path", ["/", "/health/live", "/nothing", "/static/favicon.svg"])
def test_headers_of_every_response(service: str, path: str) -> None:
    answer = get(service + path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Server"] == "REASON"
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["img-src"] == "'self' data: blob:"
    assert "unsafe" not in str(policy)
    assert answer.raw.headers.getlist("Date") == [answer.headers["Date"]]


def test_new_request_id_each_time(service: str) -> None:
    first, second = (get(f"{service}/health/live").headers["X-Request-ID"] for _ in range(2))
    assert first != second
    assert re.fullmatch("[0-9a-f]{32}", first)


@pytest.mark.parametrize("sent", ["abc-1.2_3", "x" * 64])
def test_safe_request_id_is_kept(service: str, sent: str) -> None:
    assert get(f"{service}/health/live", headers={"X-Request-ID": sent}).headers["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", ["x" * 65, "a b", '"', "<script>", "ümlaut".encode(), ""])
def test_unsafe_request_id_is_replaced(service: str, sent: str | bytes) -> None:
    given = get(f"{service}/health/live", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", given)


def test_access_log_is_one_line_of_json(bundle_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "reason.access")
    client = create_app(Settings(bundles=bundle_folder)).test_client()
    client.get("/no%0Aforged line", headers={"X-Request-ID": "r-3"}).close()
    lines = [record.getMessage() for record in caplog.records if record.name == "reason.access"]
    (message,) = [line for line in lines if '"r-3"' in line]
    assert "\n" not in message
    line = json.loads(message)
    assert line.pop("ms") >= 0
    assert line == {"method": "GET", "path": "/no\nforged line", "status": 404, "request_id": "r-3"}


def test_page_opened_from_disk_may_call(service: str) -> None:
    answer = get(f"{service}/nothing", headers={"Origin": "null"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]


def test_origins_as_set(start: Start) -> None:
    url = start(cors_origins=("https://example.org",)) + "/health/live"
    allowed = get(url, headers={"Origin": "https://example.org"})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://example.org"
    for origin in ("null", "https://example.org.evil.net", "http://example.org"):
        assert "Access-Control-Allow-Origin" not in get(url, headers={"Origin": origin}).headers


def test_preflight(service: str) -> None:
    headers = {"Origin": "null", "Access-Control-Request-Method": "POST"}
    answer = requests.options(f"{service}/predict", headers=headers, timeout=120)
    assert answer.status_code == 200
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_models(service: str, bundle_folder: Path) -> None:
    detector = reason.load(bundle_folder)
    described = detector.describe() | {"signal_families": detector.signals.descriptors()}
    assert [column["name"] for family in described["signal_families"] for column in family["columns"]] == list(
        described["meta_names"]
    )
    assert get(f"{service}/models").json() == {"default": "tiny", "models": [described]}
    assert get(f"{service}/models/tiny").json() == described
    answer = get(f"{service}/models/huge")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:reason:problem:unknown-model")


def test_health(service: str) -> None:
    live, ready = get(f"{service}/health/live"), get(f"{service}/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "models": ["tiny"]})
    assert live.headers["Cache-Control"] == ready.headers["Cache-Control"] == "no-store"


def test_not_ready_before_the_bundles_are_loaded(bundle_folder: Path) -> None:
    app = create_app(Settings(bundles=bundle_folder), load=False)
    client = app.test_client()
    assert client.get("/health/live").status_code == 200
    predict = client.post("/predict", data=b"x", content_type="image/png")
    for answer in (client.get("/health/ready"), client.get("/models"), predict):
        assert (answer.status_code, json.loads(answer.data)["type"]) == (503, "urn:reason:problem:loading")
        assert answer.headers["Retry-After"] == "1"
    app.extensions["reason"].models.load()
    assert client.get("/health/ready").status_code == 200


def test_page_and_its_files(service: str) -> None:
    page = get(f"{service}/")
    assert page.content == (ROOT / "index.html").read_bytes()
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Cache-Control"] == "no-cache"
    again = get(f"{service}/", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    for name in re.findall(r'(?:src|href)="(static/[^"]+)"', page.text):
        assert get(f"{service}/{name}").content == (ROOT / name).read_bytes()
    icon = get(f"{service}/favicon.ico")
    assert (icon.status_code, icon.headers["Content-Type"].split(";")[0]) == (200, "image/svg+xml")


def test_files_outside_static_stay_private(service: str) -> None:
    for path in ("/static/../reason_api.py", "/static/%2e%2e/reason_api.py", "/static/", "/reason_api.py"):
        request = requests.Request("GET", service).prepare()
        request.url = service + path
        with requests.Session() as session:
            assert session.send(request, timeout=120).status_code == 404, path


def test_the_digest_of_each_bundle_is_logged_told_and_carried(
    service: str, bundle_folder: Path, picture: Image.Image, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "reason.service")
    models = Models(Settings(bundles=bundle_folder))
    models.load()
    digest = models.get(None).detector.digest
    assert len(digest) == 64
    assert f"loaded tiny from {bundle_folder}, digest {digest}" in caplog.text
    (told,) = get(f"{service}/models").json()["models"]
    assert told["digest"] == digest
    verdict = requests.post(f"{service}/predict", files={"image": to_png(picture)}, timeout=120).json()
    assert verdict["digest"] == digest
