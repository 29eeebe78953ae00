"""``reason threshold``: guarantees of other risks, printed."""

from __future__ import annotations

import functools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result

from reason.cli import main
from reason.detector.certificate import Certificate
from reason.detector.detector import Detector
from reason.detector.policy import DELTA
from reason.detector.risk import CalibrationSample

SAMPLE = CalibrationSample(np.repeat([0.9, 0.5], [400, 150]).astype(np.float32), np.repeat([True, False], [500, 50]))
"""400 sure and right, 150 unsure of which 50 are wrong."""


@pytest.fixture
def sample() -> CalibrationSample | None:
    return SAMPLE


@pytest.fixture
def delta() -> float | None:
    """Of the bundle's own certificate; ``None`` for a bundle without one."""
    return 0.05


@pytest.fixture(autouse=True)
def _loaded(sample: CalibrationSample | None, delta: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every bundle keep this sample, and guarantee something with this delta."""
    certificate = None if delta is None else Certificate(0.1, delta, 550, 0.09, 0.8, "exact")
    detector = SimpleNamespace(name="tiny", threshold=0.5, certificate=certificate, calibration_sample=sample)
    detector.policy = functools.partial(Detector.policy, detector)  # type: ignore[arg-type]
    monkeypatch.setattr("reason.load", lambda folder: detector)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["threshold", "tiny", *words])


def test_json_is_the_threshold_and_its_certificate() -> None:
    result = run("--risk", "0.05", "--json")
    assert result.exit_code == 0
    facts = json.loads(result.stdout)
    assert list(facts) == ["threshold", "risk", "delta", "n", "bound", "coverage", "method"]
    assert (facts["threshold"], facts["risk"], facts["delta"], facts["n"]) == (0.501, 0.05, 0.05, 550)
    assert facts["bound"] == pytest.approx(1 - 0.05 ** (1 / 400))
    assert facts["coverage"] == pytest.approx(400 / 550)


def test_the_table_says_the_same() -> None:
    lines = run("--risk", "0.12", "--delta", "0.1").stdout.splitlines()
    rows = dict(line.split(maxsplit=1) for line in lines)
    assert rows["threshold"].strip() == "0"
    assert rows["coverage"].strip() == "1"
    assert rows["delta"].strip() == "0.1"
    assert rows["n"].strip() == "550"


@pytest.mark.parametrize(("delta", "expected"), [(0.2, 0.2), (None, DELTA)])
def test_the_bundles_own_delta_holds_unless_another_is_named(expected: float) -> None:
    assert json.loads(run("--risk", "0.12", "--json").stdout)["delta"] == expected
    assert json.loads(run("--risk", "0.12", "--delta", "0.1", "--json").stdout)["delta"] == 0.1


def test_a_risk_that_cannot_be_guaranteed_gives_code_1_and_the_smallest_that_can() -> None:
    result = run("--risk", "0.02", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: tiny: no threshold keeps the risk at 0.02 with confidence 0.95, as far as its 550 calibration images "
        "can tell; it takes 523 at the very least, and about 720 at the error rate of 0.00% seen among the most "
        "reliable 73% of them; the smallest risk that one keeps is 0.027, so ask for another risk or calibrate on more "
        "images.\n"
    )


@pytest.mark.parametrize("sample", [None])
def test_a_bundle_without_calibration_images_says_so() -> None:
    result = run("--risk", "0.05")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: tiny: keeps no calibration images")


@pytest.mark.parametrize(
    "words", [[], ["--risk", "0"], ["--risk", "1"], ["--risk", "nan"], ["--risk", "0.1", "--delta", "1"]]
)
def test_wrong_use_gives_code_2(words: list[str]) -> None:
    assert run(*words).exit_code == 2
