"""Corrupted on request: the answer shows exactly what was judged."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from service_pictures import encode

import reason
from reason.data.corruptions import CORRUPTIONS, CorruptionRequest
from reason.data.images import Preprocessing, decode


@pytest.fixture(scope="session")
def photo(picture: Image.Image) -> bytes:
    return encode(picture)


@pytest.fixture(scope="session")
def preprocessing(bundle_folder: Path) -> Preprocessing:
    return reason.load(bundle_folder).preprocessing


def predict(url: str, photo: bytes, **options: Any) -> Any:
    answer = requests.post(f"{url}/predict", files={"image": photo}, timeout=120, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(answer: dict[str, Any]) -> bytes:
    head, data = answer["corruption"]["picture"].split(",")
    assert head == "data:image/png;base64"
    return base64.b64decode(data, validate=True)


def same_verdict(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(
        one["class"] == other["class"]
        and one["decision"] == other["decision"]
        and one["reliability"] == pytest.approx(other["reliability"], abs=1e-4)
        and one["meta_vector"] == pytest.approx(other["meta_vector"], rel=1e-3, abs=1e-3)
    )


@pytest.mark.parametrize("name", ["noise", "rotate"])
@pytest.mark.parametrize("way", ["params", "data"])
def test_the_picture_that_was_judged(
    service: str, photo: bytes, picture: Image.Image, preprocessing: Preprocessing, name: str, way: str
) -> None:
    answer = predict(service, photo, **{way: {"corruption": name, "severity": 0.8, "seed": 3}})
    expected = CorruptionRequest(name, 0.8, 3).picture(picture, preprocessing)
    corruption = {key: value for key, value in answer["corruption"].items() if key != "picture"}
    assert corruption == {"name": name, "severity": 0.8, "seed": 3}
    assert (np.asarray(decode(shown(answer))) == np.asarray(expected.convert("RGB"))).all()
    assert same_verdict(answer, predict(service, shown(answer)))
    assert not same_verdict(answer, predict(service, photo))


def test_defaults(service: str, photo: bytes) -> None:
    answer = predict(service, photo, params={"corruption": "noise"})
    assert (answer["corruption"]["severity"], answer["corruption"]["seed"]) == (0.5, 0)
    spelt_out = predict(service, photo, params={"corruption": "noise", "severity": "0.5", "seed": "0"})
    assert shown(answer) == shown(spelt_out)
    assert shown(answer) != shown(predict(service, photo, params={"corruption": "noise", "seed": "1"}))


def test_none_shows_the_picture_as_it_is(
    service: str, photo: bytes, picture: Image.Image, preprocessing: Preprocessing
) -> None:
    answer = predict(service, photo, params={"corruption": "none"})
    square = preprocessing.pixels(picture).permute(1, 2, 0).numpy()
    assert (np.asarray(decode(shown(answer))) == square).all()
    assert same_verdict(answer, predict(service, photo))
    assert {**answer["corruption"], "picture": ""} == {"name": "none", "severity": 0.0, "seed": 0, "picture": ""}


def test_no_picture_unless_asked(service: str, photo: bytes) -> None:
    assert "corruption" not in predict(service, photo)


def test_each_of_several_images(service: str, photo: bytes, shape_image: Image.Image) -> None:
    files = [("image", photo), ("image", b"words"), ("image", encode(shape_image))]
    parameters: dict[str, str | int] = {"corruption": "rotate", "severity": 1}
    answer = requests.post(f"{service}/predict", files=files, params=parameters, timeout=120).json()
    assert answer[1]["error"]["status"] == 415
    assert "corruption" not in answer[1]
    for item, data in ((answer[0], photo), (answer[2], encode(shape_image))):
        assert shown(item) == shown(predict(service, data, params=parameters))


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"corruption": "rotat"}, "Unknown corruption 'rotat'; did you mean rotate?"),
        ({"corruption": ""}, "Unknown corruption ''; GET /corruptions lists them."),
        ({"corruption": "../x" * 40}, f"Unknown corruption {'../x' * 20!r}; GET /corruptions lists them."),
        ({"corruption": "noise", "severity": "1.01"}, "severity is '1.01'; give a number from 0 to 1."),
        ({"corruption": "noise", "severity": "nan"}, "severity is 'nan'; give a number from 0 to 1."),
        ({"corruption": "noise", "severity": ""}, "severity is ''; give a number from 0 to 1."),
        ({"corruption": "noise", "seed": "-1"}, "seed is '-1'; give a whole number of at least 0."),
        ({"corruption": "noise", "seed": "1.5"}, "seed is '1.5'; give a whole number of at least 0."),
        ({"corruption": "noise", "seed": "9" * 5000}, f"seed is {'9' * 80!r}; give a whole number of at least 0."),
        (
            {"corruption": "noise", "seed": str(2**63)},
            "seed 9223372036854775808: out of range; give a whole number from 0 to 9223372036854775807.",
        ),
        ({"severity": "0.5"}, "severity goes with a corruption; name one or leave severity out."),
        ({"seed": "1"}, "seed goes with a corruption; name one or leave seed out."),
        ({"corruption": "none", "seed": "1"}, "seed goes with a corruption; name one or leave seed out."),
        (
            {"colour": "red"},
            "Unknown parameter 'colour'; there are model, threshold, risk, delta, corruption, severity and seed.",
        ),
    ],
)
def test_absurd_parameters(service: str, photo: bytes, parameters: dict[str, str], detail: str) -> None:
    answer = requests.post(f"{service}/predict", files={"image": photo}, params=parameters, timeout=120)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:reason:problem:bad-parameter")
    assert answer.json()["detail"] == detail


def test_list_of_corruptions(service: str) -> None:
    answer = requests.get(f"{service}/corruptions", timeout=120).json()
    assert [item["name"] for item in answer["corruptions"]] == list(CORRUPTIONS)
    assert {item["name"] for item in answer["corruptions"] if item["published"]} == {
        "rotate",
        "noise",
        "occlude",
        "shift",
    }
    assert answer["families"] == list(dict.fromkeys(item["family"] for item in answer["corruptions"]))
    assert all(item["summary"] == CORRUPTIONS[item["name"]].summary for item in answer["corruptions"])
