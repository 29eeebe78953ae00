"""``reason predict --risk``: images judged by the threshold that guarantees another risk."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from drawn_shapes import SHAPES, draw_shape

from reason.cli import main
from reason.detector.detector import Detector
from reason.detector.risk import CalibrationSample

SAMPLE = CalibrationSample(np.repeat([0.9, 0.5], [400, 150]).astype(np.float32), np.repeat([True, False], [500, 50]))
"""400 sure and right, 150 unsure of which 50 are wrong."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of three drawn shapes."""
    random = np.random.default_rng(5)
    for shape in SHAPES:
        draw_shape(shape, random).save(tmp_path / f"{shape}.png")
    return tmp_path


@pytest.fixture
def sample() -> CalibrationSample | None:
    return SAMPLE


@pytest.fixture(autouse=True)
def _loaded(detector: Detector, sample: CalibrationSample | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every bundle be the tiny one with this sample."""
    monkeypatch.setattr("reason.load", lambda folder, **_: replace(detector, calibration_sample=sample))


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["predict", "--bundle", "tiny", *map(str, words)])


def test_verdicts_carry_the_threshold_and_the_certificate_of_the_risk(folder: Path) -> None:
    result = run("--json", "--risk", 0.05, "--delta", 0.1, "--batch-size", 2, folder)
    assert (result.exit_code, result.stderr) == (0, "")
    verdicts = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(verdicts) == 3
    for verdict in verdicts:
        assert verdict["threshold"] == 0.501
        assert verdict["decision"] == ("accept" if verdict["reliability"] >= 0.501 else "review")
        certificate = verdict["certificate"]
        assert (certificate["risk"], certificate["delta"], certificate["n"]) == (0.05, 0.1, 550)
        assert certificate["bound"] == pytest.approx(1 - 0.1 ** (1 / 400))
        assert certificate["coverage"] == pytest.approx(400 / 550)


def test_delta_is_the_bundles_own_by_default(folder: Path, detector: Detector) -> None:
    result = run("--csv", "-", "--risk", 0.12, folder)
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert detector.certificate is not None
    assert {float(row["certificate.delta"]) for row in rows} == {detector.certificate.delta}
    assert {(float(row["threshold"]), row["decision"]) for row in rows} == {(0.0, "accept")}


def test_a_risk_that_cannot_be_guaranteed_gives_code_1_and_spares_the_file(folder: Path) -> None:
    target = folder / "verdicts.csv"
    target.write_text("of yesterday")
    result = run("--risk", 0.02, "--delta", 0.05, "--csv", target, folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: tiny: no threshold keeps the risk at 0.02 with confidence 0.95, as far as its 550 calibration images "
        "can tell; it takes 523 at the very least, and about 720 at the error rate of 0.00% seen among the most "
        "reliable 73% of them; the smallest risk that one keeps is 0.027, so ask for another risk or calibrate on more "
        "images.\n"
    )
    assert target.read_text() == "of yesterday"


@pytest.mark.parametrize("sample", [None])
def test_a_bundle_without_calibration_images_gives_code_1(folder: Path) -> None:
    result = run("--risk", 0.05, folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: tiny: keeps no calibration images")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--risk", "0.05", "--threshold", "0.5"], "--threshold and --risk exclude each other; leave one of them out."),
        (["--risk", "0.05", "--threshold", "0"], "--threshold and --risk exclude each other; leave one of them out."),
        (["--delta", "0.05"], "--delta goes with a --risk; name one or leave --delta out."),
        (["--risk", "0"], "--risk"),
        (["--risk", "1"], "--risk"),
        (["--risk", "nan"], "nan is not a number above 0 and below 1"),
        (["--risk", "0.05", "--delta", "1"], "--delta"),
    ],
)
def test_wrong_use_gives_code_2_and_says_why(folder: Path, words: list[str], complaint: str) -> None:
    result = run(*words, folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr
