"""Requests that name another risk: the threshold that guarantees it decides, or the service says why none can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from service_pictures import encode

import reason
from reason.detector.detector import Detector
from reason.detector.risk import CalibrationSample

Start = Callable[..., str]

SAMPLE = CalibrationSample(np.repeat([0.9, 0.5], [400, 150]).astype(np.float32), np.repeat([True, False], [500, 50]))
"""400 sure and right, 150 unsure of which 50 are wrong."""

OWN = SAMPLE.guarantee(0.2, 0.05)
"""The guarantee of the bundle's own threshold."""


@pytest.fixture(scope="session")
def photo(picture: Image.Image) -> bytes:
    return encode(picture)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, detector: Detector) -> Path:
    """Two bundles: ``known`` whose guarantees are known by hand, and ``bare`` without calibration images."""
    folder = tmp_path_factory.mktemp("risks")
    assert OWN is not None
    known = replace(detector, name="known", threshold=OWN.threshold, certificate=OWN.certificate)
    reason.save(replace(known, calibration_sample=SAMPLE), folder / "known")
    reason.save(replace(detector, name="bare", certificate=None, calibration_sample=None), folder / "bare")
    return folder


@pytest.fixture
def url(start: Start, folder: Path) -> str:
    return start(bundles=folder, model="known")


def post(url: str, *photos: bytes, **options: Any) -> requests.Response:
    files = [("image", photo) for photo in photos]
    return requests.post(f"{url}/predict", files=files, timeout=120, **options)


@pytest.mark.parametrize("way", ["params", "data"])
def test_the_guaranteed_threshold_decides_and_the_verdict_carries_its_certificate(
    url: str, photo: bytes, way: str
) -> None:
    answer = post(url, photo, **{way: {"risk": "0.05", "delta": "0.1"}}).json()
    assert answer["threshold"] == 0.501
    assert answer["decision"] == ("accept" if answer["reliability"] >= 0.501 else "review")
    certificate = answer["certificate"]
    assert (certificate["risk"], certificate["delta"], certificate["n"]) == (0.05, 0.1, 550)
    assert certificate["bound"] == pytest.approx(1 - 0.1 ** (1 / 400))
    assert certificate["coverage"] == pytest.approx(400 / 550)
    loose = post(url, photo, **{way: {"risk": "0.12", "delta": "0.1"}}).json()
    assert (loose["threshold"], loose["decision"], loose["certificate"]["coverage"]) == (0, "accept", 1)
    assert loose["reliability"] == pytest.approx(answer["reliability"], abs=1e-5)


def test_the_guarantee_is_of_the_bundles_calibration_images(service: str, photo: bytes, bundle_folder: Path) -> None:
    loaded = reason.load(bundle_folder)
    assert loaded.certificate is not None
    assert loaded.calibration_sample is not None
    expected = loaded.calibration_sample.guarantee(0.3, loaded.certificate.delta)
    assert expected is not None
    assert expected.threshold != loaded.threshold
    answers = post(service, photo, photo, params={"risk": 0.3}).json()
    assert [answer["threshold"] for answer in answers] == [expected.threshold] * 2
    assert [answer["certificate"] for answer in answers] == [expected.certificate.to_dict()] * 2


def test_a_request_that_names_no_risk_keeps_the_bundles_own_policy(url: str, photo: bytes) -> None:
    post(url, photo, params={"risk": 0.05})
    answer = post(url, photo).json()
    assert OWN is not None
    assert (answer["threshold"], answer["certificate"]) == (OWN.threshold, OWN.certificate.to_dict())


@pytest.mark.parametrize("copies", [1, 2])
def test_a_risk_that_cannot_be_guaranteed_fails_the_whole_request(url: str, photo: bytes, copies: int) -> None:
    answer = post(url, *[photo] * copies, params={"risk": 0.02, "delta": 0.05}, headers={"X-Request-ID": "risk-1"})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:reason:problem:no-promise",
        "title": "No threshold guarantees this risk",
        "status": 422,
        "detail": "known: no threshold keeps the risk at 0.02 with confidence 0.95, as far as its 550 calibration "
        "images can tell; it takes 523 at the very least, and about 720 at the error rate of 0.00% seen among the most "
        "reliable 73% of them; the smallest risk that one keeps is 0.027, so ask for another risk or calibrate on more "
        "images.",
        "instance": "/predict",
        "request_id": "risk-1",
    }


def test_a_bundle_without_calibration_images_guarantees_nothing(url: str, photo: bytes) -> None:
    answer = post(url, photo, params={"risk": 0.05, "model": "bare"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:reason:problem:no-promise")
    assert answer.json()["detail"].startswith("bare: keeps no calibration images")
    assert post(url, photo, params={"model": "bare"}).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"risk": "0"}, "risk is '0'; give a number above 0 and below 1."),
        ({"risk": "1"}, "risk is '1'; give a number above 0 and below 1."),
        ({"risk": "nan"}, "risk is 'nan'; give a number above 0 and below 1."),
        ({"risk": ""}, "risk is ''; give a number above 0 and below 1."),
        ({"risk": "0.05", "delta": "-0.1"}, "delta is '-0.1'; give a number above 0 and below 1."),
        ({"risk": "0.05", "delta": "1"}, "delta is '1'; give a number above 0 and below 1."),
        ({"risk": "0.05", "threshold": "0.5"}, "threshold and risk exclude each other; leave one of them out."),
        ({"delta": "0.05"}, "delta goes with a risk; name one or leave delta out."),
        ({"threshold": "0.5", "delta": "0.05"}, "delta goes with a risk; name one or leave delta out."),
    ],
)
def test_absurd_parameters(service: str, photo: bytes, parameters: dict[str, str], detail: str) -> None:
    answer = post(service, photo, params=parameters)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:reason:problem:bad-parameter")
    assert answer.json()["detail"] == detail


def test_a_threshold_in_the_form_does_not_go_with_a_risk_in_the_query(service: str, photo: bytes) -> None:
    answer = post(service, photo, params={"risk": "0.3"}, data={"threshold": "0.5"})
    assert answer.json()["detail"] == "threshold and risk exclude each other; leave one of them out."
