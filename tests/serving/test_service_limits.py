"""Each limit, as it is by default and as a setting moves it; and what happens when there is too much to do."""

from __future__ import annotations

import io
import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from PIL import Image
from service_pictures import encode

import reason
from reason.data.image_set import ImageSet
from reason.detector.detector import Detector
from reason.detector.policy import AcceptancePolicy
from reason.serving import Settings, create_app
from reason.serving.batcher import Job
from reason.serving.server import Server

Start = Callable[..., str]
PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="session")
def photo(picture: Image.Image) -> bytes:
    return encode(picture)


def post_body(url: str, body: Any) -> requests.Response:
    return requests.post(f"{url}/predict", data=body, headers=PNG, timeout=120)


def post_copies(url: str, data: bytes, copies: int) -> requests.Response:
    return requests.post(f"{url}/predict", files=[("image", data)] * copies, timeout=120)


def kind(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:reason:problem:")


def test_upload_size_by_default(service: str) -> None:
    limit = 32 * 1024 * 1024
    assert kind(post_body(service, b"x" * limit)) == (415, "unsupported-image")
    answer = post_body(service, b"x" * (limit + 1))
    assert kind(answer) == (413, "upload-too-large")
    assert "33,554,432 bytes" in answer.json()["detail"]


def test_upload_size_as_set(start: Start, photo: bytes) -> None:
    url = start(max_upload_bytes=len(photo))
    assert post_body(url, photo).status_code == 200
    assert kind(post_body(url, photo + b"x")) == (413, "upload-too-large")
    assert kind(post_body(url, iter([photo, b"xx"]))) == (413, "upload-too-large")
    assert kind(post_copies(url, photo, 1)) == (413, "upload-too-large")


def test_upload_of_exactly_the_limit(start: Start, bundle_folder: Path, photo: bytes) -> None:
    url = start(max_upload_bytes=len(photo))
    assert post_body(url, iter([photo[:50], photo[50:]])).status_code == 200
    answer = post_body(url, iter([photo, b"x"]))
    assert kind(answer) == (413, "upload-too-large")
    assert f"at most {len(photo):,} bytes" in answer.json()["detail"]

    form = requests.Request("POST", "http://localhost", files={"image": photo}).prepare()
    assert isinstance(form.body, bytes)
    url = start(max_upload_bytes=len(form.body))
    headers = {"Content-Type": form.headers["Content-Type"]}
    for body, status in (([form.body], 200), ([form.body, b"x"], 413)):
        assert requests.post(f"{url}/predict", data=iter(body), headers=headers, timeout=120).status_code == status

    # A server that ends the stream itself says so, as gunicorn does; the length is then known and the end as well.
    ended = {"wsgi.input_terminated": True}
    for data, content_type in ((photo, "image/png"), (form.body, form.headers["Content-Type"])):
        client = create_app(Settings(bundles=bundle_folder, max_upload_bytes=len(data))).test_client()
        sent = client.post("/predict", data=data, content_type=content_type, environ_overrides=ended)
        assert sent.status_code == 200


def test_refused_upload_is_read_to_its_end(bundle_folder: Path) -> None:
    client = create_app(Settings(bundles=bundle_folder, max_upload_bytes=10)).test_client()
    for path, content_type, status in (
        ("/predict", "image/png", 413),
        ("/predict", "multipart/form-data; boundary=b", 413),
        ("/predict", "text/plain", 415),
        ("/nothing", "image/png", 404),
    ):
        body = io.BytesIO(b"x" * 100_000)
        answer = client.post(path, input_stream=body, content_length=100_000, content_type=content_type)
        assert (answer.status_code, body.tell()) == (status, 100_000)


def test_number_of_images_by_default(service: str, photo: bytes) -> None:
    assert len(post_copies(service, photo, 32).json()) == 32
    answer = post_copies(service, photo, 33)
    assert kind(answer) == (413, "too-many-images")
    assert answer.json()["detail"] == "33 images in one request; send at most 32 and split the rest."


def test_number_of_images_as_set(start: Start, photo: bytes) -> None:
    url = start(max_images=1)
    assert post_copies(url, photo, 1).status_code == 200
    assert kind(post_copies(url, photo, 2)) == (413, "too-many-images")


def test_pixels_as_set(start: Start, picture: Image.Image) -> None:
    pixels = picture.width * picture.height
    data = encode(picture)
    assert post_body(start(max_pixels=pixels), data).status_code == 200
    answer = post_body(start(max_pixels=pixels - 1), data)
    assert kind(answer) == (422, "broken-image")
    assert f"more than {pixels - 1:,} pixels" in answer.json()["detail"]


def test_uploads_never_touch_the_disk(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("a temporary file was made")

    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (900, 900, 3), dtype=np.uint8))
    client = create_app(Settings(bundles=bundle_folder)).test_client()
    data = encode(noise)
    assert len(data) > 2_000_000
    sent = requests.Request("POST", "http://localhost", files={"image": data}).prepare()
    for path in ("/predict", "/predict?corruption=noise"):
        answer = client.post(path, data=sent.body, content_type=sent.headers["Content-Type"])
        assert answer.status_code == 200


def test_concurrent_requests_get_the_answers_of_single_ones(
    start: Start, bundle_folder: Path, shapes: ImageSet
) -> None:
    # Mirrored, because the distance of an image to itself in the bank is the square root of a rounding error.
    images = [Image.fromarray(pixels.flip(2).permute(1, 2, 0).numpy()) for pixels in shapes.pixels[:24]]
    detector = reason.load(bundle_folder)
    url = start(batch_size=5, batch_window_ms=20.0)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda image: post_body(url, encode(image)).json(), images))
    for image, answer in zip(images, answers, strict=True):
        expected = detector.predict([image])[0]
        assert answer["class"] == expected.class_
        assert answer["reliability"] == pytest.approx(expected.reliability, abs=1e-4)
        assert answer["meta_vector"] == pytest.approx(expected.meta_vector, rel=1e-3, abs=1e-3)


class Gate:
    """Holds every pass of the model until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    predict = Detector.predict_by

    def held(self: Detector, *args: Any, **options: Any) -> Any:
        gate.entered.release()
        gate.open.wait()
        return predict(self, *args, **options)

    monkeypatch.setattr(Detector, "predict_by", held)
    yield gate
    gate.open.set()


def test_full_queue_answers_503_at_once(bundle_folder: Path, gate: Gate, photo: bytes) -> None:
    app = create_app(Settings(bundles=bundle_folder, batch_size=1, max_images=1, queue_size=1))
    client = app.test_client()
    model = app.extensions["reason"].models.get("tiny")
    batcher = model.batcher
    running, waiting = (Job(Image.new("RGB", (32, 32)), None, model.detector.policy()) for _ in range(2))
    batcher.submit([running])
    gate.entered.acquire()
    batcher.submit([waiting])
    answer = client.post("/predict", data=photo, headers=PNG)
    assert (answer.status_code, json.loads(answer.data)["type"]) == (503, "urn:reason:problem:busy")
    assert answer.headers["Retry-After"] == "1"
    gate.open.set()
    assert {job.answer.result(timeout=120).model for job in (running, waiting)} == {"tiny"}
    assert client.post("/predict", data=photo, headers=PNG).status_code == 200


def accepts(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/live", timeout=120).ok
    except requests.ConnectionError:
        return False


def test_running_request_is_answered_when_the_service_ends(bundle_folder: Path, gate: Gate, photo: bytes) -> None:
    settings = Settings(bundles=bundle_folder, port=0, timeout_s=600.0)
    server = Server(settings, create_app(settings))
    with ThreadPoolExecutor(2) as pool:
        ended = pool.submit(server.run)
        answer = pool.submit(post_body, server.url, photo)
        gate.entered.acquire()
        server.stop()
        while accepts(server.url):
            pass
        gate.open.set()
        assert answer.result(timeout=120).status_code == 200
        ended.result(timeout=120)


def test_a_service_that_has_ended_may_be_stopped_again(bundle_folder: Path) -> None:
    settings = Settings(bundles=bundle_folder, port=0)
    server = Server(settings, create_app(settings))
    with server.in_thread() as url:
        assert accepts(url)
    server.stop()
    assert not accepts(url)


def test_connections_at_once(start: Start) -> None:
    url = start(threads=1)
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=120) as first:
        first.sendall(b"GET /health/live HTTP/1.1\r\n")
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(requests.get, f"{url}/health/live", timeout=120)
            time.sleep(0.5)
            assert not waits.done()
            first.sendall(b"Connection: close\r\n\r\n")
            assert first.makefile("rb").read().startswith(b"HTTP/1.1 200 OK")
            assert waits.result(timeout=120).status_code == 200


def test_verdict_that_takes_too_long(bundle_folder: Path, gate: Gate, photo: bytes) -> None:
    client = create_app(Settings(bundles=bundle_folder, timeout_s=0.05)).test_client()
    answer = client.post("/predict", data=photo, headers=PNG)
    assert (answer.status_code, json.loads(answer.data)["type"]) == (503, "urn:reason:problem:timeout")
    assert json.loads(answer.data)["detail"] == "No verdict within 0.05 s; try again when the service is less busy."
    assert answer.headers["Retry-After"] == "1"


def test_failure_of_the_engine_stays_with_its_image(
    start: Start, photo: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    predict = Detector.predict_by

    def picky(self: Detector, policy: AcceptancePolicy, images: Any, *, sources: list[str], **options: Any) -> Any:
        if "bad.png" in sources:
            raise RuntimeError("a secret of the engine")
        return predict(self, policy, images, sources=sources, **options)

    monkeypatch.setattr(Detector, "predict_by", picky)
    url = start()
    names = ["a.png", "bad.png", "c.png"]
    answers = requests.post(f"{url}/predict", files=[("image", (n, photo)) for n in names], timeout=120).json()
    assert [item["source"] for item in answers] == names
    assert [item.get("error", {}).get("status") for item in answers] == [None, 500, None]
    assert "secret" not in str(answers)
    request_id = answers[1]["error"]["request_id"]
    assert answers[1]["error"]["detail"].endswith(f"its trace is in the log under request {request_id}.")
    failed = [record for record in caplog.records if record.exc_info and request_id in record.getMessage()]
    assert len(failed) == 1

    single = requests.post(f"{url}/predict", files={"image": ("bad.png", photo)}, timeout=120)
    assert kind(single) == (500, "internal")
    assert "secret" not in single.text
