"""The engines that the photo bundle was proved with judge real photos as PyTorch does."""

from __future__ import annotations

from pathlib import Path

import pytest

import reason
from reason.base.engines.choice import RUNTIMES
from reason.detector.verdict import Verdict
from reason.errors import ConfigError
from reason.resources import BUNDLES

BUNDLE = BUNDLES / "imagenette"
ENGINES = ("onnx", "openvino-bf16")
TOLERANCE = {"fp32": 1e-4, "bf16": 0.02}
"""Of the reliability; in bf16 the largest difference on the calibration images was below."""
LOGIT_TOLERANCE = {"fp32": 1e-3, "bf16": 0.2}


@pytest.fixture(scope="module")
def photos() -> list[Path]:
    skimage = pytest.importorskip("skimage")
    folder = Path(skimage.__file__).parent / "data"
    return sorted(path for path in folder.iterdir() if path.suffix in {".png", ".jpg"})[:12]


@pytest.fixture(scope="module")
def expected(photos: list[Path]) -> list[Verdict]:
    return reason.load(BUNDLE, engine="torch").predict(photos)


def test_the_fastest_engine_of_each_precision_was_proved() -> None:
    proofs = reason.load(BUNDLE, engine="torch").engine_proofs
    assert set(proofs) == set(ENGINES)
    for name, proof in proofs.items():
        assert proof.precision == RUNTIMES[name].engine.precision
        assert proof.largest_difference < TOLERANCE[proof.precision]


def test_the_digits_stay_with_torch_which_has_the_gradient() -> None:
    assert reason.load(BUNDLES / "mnist").engine.name == "torch"


def test_the_graph_is_small() -> None:
    assert (BUNDLE / "best_base.onnx").stat().st_size < 200_000


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_verdicts_are_those_of_torch(name: str, photos: list[Path], expected: list[Verdict]) -> None:
    try:
        detector = reason.load(BUNDLE, engine=name)
    except ConfigError as error:  # such as no bfloat16 arithmetic
        pytest.skip(str(error))
    precision = detector.engine.precision
    for found, verdict in zip(detector.predict(photos), expected, strict=True):
        assert found.class_ == verdict.class_
        assert found.reliability == pytest.approx(verdict.reliability, abs=TOLERANCE[precision])
        logits, wanted = (one.diagnostics["top_logit_1"] for one in (found, verdict))
        assert logits == pytest.approx(wanted, abs=LOGIT_TOLERANCE[precision])
        assert found.threshold == detector.engine_proofs[name].threshold
        if precision == "fp32":
            assert (found.decision, found.certificate) == (verdict.decision, verdict.certificate)
