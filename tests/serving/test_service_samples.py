"""Pictures to try a model on, and the map of where it fails."""

from __future__ import annotations

import base64
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from made_recipes import make_provenance
from PIL import Image

import reason
from reason.data.images import decode
from reason.detector.detector import Detector

Start = Callable[..., str]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory, detector: Detector) -> Path:
    """Three bundles: one of MNIST, one of Imagenette, and one of no known data set and without a map."""
    folder = tmp_path_factory.mktemp("bundles")
    for name, dataset in (("digits", "mnist"), ("photos", "imagenette"), ("birds", "birds")):
        provenance = make_provenance(dataset)
        changes: dict[str, Any] = {"latent_map": None} if name == "birds" else {}
        reason.save(dataclasses.replace(detector, name=name, provenance=provenance, **changes), folder / name)
    return folder


@pytest.fixture
def url(start: Start, bundles: Path, tmp_path: Path) -> str:
    """A service on a machine without data sets."""
    return start(bundles=bundles, data=tmp_path)


def get(url: str, path: str, **parameters: object) -> requests.Response:
    return requests.get(url + path, params=parameters, timeout=120)  # type: ignore[arg-type]


def kind(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:reason:problem:")


def picture(answer: requests.Response, media_type: str) -> bytes:
    head, data = answer.json()["picture"].split(",")
    assert head == f"data:{media_type};base64"
    return base64.b64decode(data, validate=True)


def test_digit(url: str) -> None:
    answer = get(url, "/samples", model="digits", index=3)
    facts = {key: value for key, value in answer.json().items() if key != "picture"}
    assert facts == {
        "model": "digits",
        "index": 3,
        "count": 1797,
        "source": "scikit-learn digits",
        "label": "3",
        "name": "0003",
    }
    assert decode(picture(answer, "image/png")).size == (28, 28)


def test_photo_of_a_package(url: str) -> None:
    pytest.importorskip("skimage")
    answer = get(url, "/samples", model="photos")
    facts = [answer.json()[key] for key in ("index", "source", "label", "name")]
    assert facts == [0, "scikit-image photos", None, "astronaut.png"]
    assert decode(picture(answer, "image/png")).size == (512, 512)


def test_photo_of_the_data_set_is_sent_as_it_is(start: Start, bundles: Path, tmp_path: Path) -> None:
    path = tmp_path / "imagenette2-320" / "val" / "n03028079" / "one.JPEG"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.full((9, 12, 3), 120, np.uint8)).save(path)
    answer = get(start(bundles=bundles, data=tmp_path), "/samples", model="photos")
    facts = [answer.json()[key] for key in ("count", "source", "label", "name")]
    assert facts == [1, "Imagenette val", "church", "n03028079/one.JPEG"]
    assert picture(answer, "image/jpeg") == path.read_bytes()


def test_no_photos_on_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    answer = get(url, "/samples", model="photos")
    assert kind(answer) == (404, "no-samples")
    assert "pip install scikit-image" in answer.json()["detail"]


def test_models_without_samples(url: str, service: str) -> None:
    assert kind(get(url, "/samples")) == (404, "no-samples")
    answer = get(service, "/samples")
    assert kind(answer) == (404, "no-samples")
    assert answer.json()["detail"] == "The bundle tiny names no data set, so there are no samples for it."


def test_damaged_data_set_tells_the_log_only(start: Start, bundles: Path, tmp_path: Path) -> None:
    (tmp_path / "MNIST").mkdir()
    answer = get(start(bundles=bundles, data=tmp_path), "/samples", model="digits")
    assert kind(answer) == (500, "internal")
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize(
    ("index", "detail"),
    [
        ("1797", "index is 1797, but there are 1797 samples; give one from 0 to 1796."),
        ("-1", "index is '-1'; give a whole number of at least 0."),
        ("1.0", "index is '1.0'; give a whole number of at least 0."),
        ("", "index is ''; give a whole number of at least 0."),
        ("1_0", "index is '1_0'; give a whole number of at least 0."),
        ("../1", "index is '../1'; give a whole number of at least 0."),
    ],
)
def test_absurd_index(url: str, index: str, detail: str) -> None:
    answer = get(url, "/samples", model="digits", index=index)
    assert kind(answer) == (422, "bad-parameter")
    assert answer.json()["detail"] == detail


def test_other_absurd_parameters(url: str) -> None:
    assert kind(get(url, "/samples", model="huge")) == (404, "unknown-model")
    answer = get(url, "/samples", idx=1)
    assert kind(answer) == (422, "bad-parameter")
    assert answer.json()["detail"] == "Unknown parameter 'idx'; did you mean index?"


def test_map(service: str, bundle_folder: Path) -> None:
    latent_map = reason.load(bundle_folder).latent_map
    assert latent_map is not None
    answer = get(service, "/models/tiny/map").json()
    assert answer == {"model": "tiny", **latent_map.to_dict()}
    assert len(answer["points"]) == len(answer["failure_probability"]) == len(answer["correct"]) > 0


def test_no_map(url: str) -> None:
    answer = get(url, "/models/birds/map")
    assert kind(answer) == (404, "no-map")
    assert answer.json()["detail"] == "The bundle birds was saved without a latent map; fit it again to get one."
    assert kind(get(url, "/models/huge/map")) == (404, "unknown-model")


def test_bundle_that_a_killed_save_put_aside_is_served(start: Start, detector: Detector, tmp_path: Path) -> None:
    reason.save(detector, tmp_path / ".tiny.old")
    assert get(start(bundles=tmp_path), "/models").json()["default"] == "tiny"
    assert get(start(bundles=tmp_path / "tiny"), "/models").json()["default"] == "tiny"
