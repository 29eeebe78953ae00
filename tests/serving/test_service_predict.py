"""How images and parameters are sent, and what comes back for one and for several."""

from __future__ import annotations

import pytest
import requests
from PIL import Image
from service_pictures import encode
from werkzeug.datastructures import FileStorage

from reason.serving.uploads import plain_name

PNG = {"Content-Type": "image/png"}


def post(url: str, **options: object) -> requests.Response:
    return requests.post(f"{url}/predict", timeout=120, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def photo(picture: Image.Image) -> bytes:
    return encode(picture)


@pytest.mark.parametrize("field", ["image", "file"])
def test_form(service: str, photo: bytes, field: str) -> None:
    answer = post(service, files={field: ("cat.png", photo)})
    assert answer.status_code == 200
    assert answer.json()["source"] == "cat.png"
    assert answer.json()["model"] == "tiny"


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "IMAGE/PNG", "application/octet-stream"])
def test_raw_body(service: str, photo: bytes, content_type: str) -> None:
    answer = post(service, data=photo, headers={"Content-Type": content_type})
    assert answer.status_code == 200
    assert answer.json()["source"] is None


def test_raw_body_in_chunks(service: str, photo: bytes) -> None:
    answer = post(service, data=iter([photo[:100], photo[100:]]), headers=PNG)
    assert answer.status_code == 200


def test_list_keeps_the_order_and_each_image_its_own_error(service: str, photo: bytes) -> None:
    files = [
        ("file", ("d.png", photo)),
        ("image", ("a.png", photo)),
        ("image", ("b.txt", b"words")),
        ("image", ("c.png", photo[:200])),
    ]
    answer = post(service, files=files, headers={"X-Request-ID": "list-1"})
    assert answer.status_code == 200
    first, second, third, fourth = answer.json()
    assert [item["source"] for item in answer.json()] == ["a.png", "b.txt", "c.png", "d.png"]
    assert first["class"] == fourth["class"]
    assert second == {
        "source": "b.txt",
        "error": {
            "type": "urn:reason:problem:unsupported-image",
            "title": "Not an image format the service takes",
            "status": 415,
            "detail": "b.txt: not an image in a format REASON reads; send JPEG, PNG, WEBP, GIF, BMP or TIFF.",
            "instance": "/predict",
            "request_id": "list-1",
        },
    }
    assert third["error"]["status"] == 422


def test_list_of_nothing_but_errors(service: str) -> None:
    answer = post(service, files=[("image", ("a.txt", b"a")), ("image", ("b.txt", b""))])
    assert answer.status_code == 200
    assert [item["error"]["status"] for item in answer.json()] == [415, 422]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat.png", "cat.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\cat.png", "cat.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("x" * 300, "x" * 255),
        ("Zoë 猫.png", "Zoë 猫.png"),
        ("a\nb\x1b[31m.png", "ab[31m.png"),
        ("photos/", None),
    ],
)
def test_file_names_are_made_plain(name: str, shown: str | None) -> None:
    assert plain_name(FileStorage(filename=name)) == shown


def test_file_name_comes_back_plain(service: str, photo: bytes) -> None:
    assert post(service, files={"image": ("../Zoë\u202e.png", photo)}).json()["source"] == "Zoë.png"


@pytest.mark.parametrize("way", ["params", "data"])
def test_threshold_decides_and_drops_the_certificate(service: str, photo: bytes, way: str) -> None:
    reliability = post(service, files={"image": photo}).json()["reliability"]
    for threshold, decision in ((0, "accept"), (1, "review" if reliability < 1 else "accept")):
        answer = post(service, files={"image": photo}, **{way: {"threshold": threshold}}).json()
        assert (answer["threshold"], answer["decision"]) == (threshold, decision)
        assert answer["certificate"] is None


def test_query_wins_over_form(service: str, photo: bytes) -> None:
    answer = post(service, files={"image": photo}, params={"threshold": 0.25}, data={"threshold": 0.75})
    assert answer.json()["threshold"] == 0.25


@pytest.mark.parametrize("threshold", ["-0.01", "1.01", "nan", "inf", "half", ""])
def test_absurd_threshold(service: str, photo: bytes, threshold: str) -> None:
    answer = post(service, files={"image": photo}, params={"threshold": threshold})
    assert answer.status_code == 422
    assert answer.json()["detail"] == f"threshold is {threshold!r}; give a number from 0 to 1."


@pytest.mark.parametrize("way", ["params", "data"])
def test_misspelt_parameter(service: str, photo: bytes, way: str) -> None:
    answer = post(service, files={"image": photo}, **{way: {"treshold": 0.5}})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "Unknown parameter 'treshold'; did you mean threshold?"


def test_model_by_name(service: str, photo: bytes) -> None:
    assert post(service, files={"image": photo}, params={"model": "tiny"}).status_code == 200
    answer = post(service, files={"image": photo}, params={"model": "huge"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:reason:problem:unknown-model")
    assert answer.json()["detail"] == "No model named 'huge'; there is tiny."


@pytest.mark.parametrize(
    "request_body",
    [
        {},
        {"files": {"photo": ("a.png", b"x")}},
        {"files": {"image": ("", b"")}},
        {"files": {"image": (None, "path/to/a.png")}},
        {"data": b"no boundary here", "headers": {"Content-Type": "multipart/form-data"}},
    ],
)
def test_no_image(service: str, request_body: dict[str, object]) -> None:
    answer = post(service, **request_body)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:reason:problem:no-image")
    assert "curl -F image=@photo.jpg" in answer.json()["detail"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json", "text/plain"])
def test_content_type_that_carries_no_image(service: str, photo: bytes, content_type: str) -> None:
    answer = post(service, data=photo, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:reason:problem:unsupported-image")
    assert content_type in answer.json()["detail"]
    assert answer.headers["Accept"] == "multipart/form-data, image/*, application/octet-stream"
