"""What decides: the bundle's own policy, a threshold, or the guarantee of another risk."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from reason.data.image_set import ImageSet
from reason.detector.certificate import Certificate
from reason.detector.detector import Detector
from reason.detector.policy import AcceptancePolicy
from reason.detector.risk import CalibrationSample
from reason.errors import GuaranteeError


def sample_of(*groups: tuple[float, int, int]) -> CalibrationSample:
    """Return a sample from groups of reliability, number right and number wrong."""
    reliability = np.repeat([group[0] for group in groups], [group[1] + group[2] for group in groups])
    correct = np.concatenate([np.arange(right + wrong) < right for _, right, wrong in groups])
    return CalibrationSample(reliability.astype(np.float32), correct)


SURE_AND_UNSURE = sample_of((0.9, 400, 0), (0.5, 100, 50))
OWN = Certificate(0.2, 0.1, 550, 0.19, 0.9, "made up")


@pytest.fixture
def known(detector: Detector) -> Detector:
    """The tiny detector with calibration images whose guarantees are known by hand."""
    return replace(detector, threshold=0.4, certificate=OWN, calibration_sample=SURE_AND_UNSURE)


def test_nothing_named_is_the_bundles_own_rule(known: Detector) -> None:
    assert known.policy() == AcceptancePolicy(0.4, OWN)


def test_a_threshold_guarantees_nothing(known: Detector) -> None:
    assert known.policy(threshold=0.7) == AcceptancePolicy(0.7, None)


def test_a_risk_brings_its_threshold_and_its_guarantee(known: Detector) -> None:
    # Only the 400 sure ones keep it; without an error among n, the bound is 1 - delta ** (1 / n).
    policy = known.policy(risk=0.05, delta=0.02)
    assert policy.threshold == 0.501
    assert policy.certificate is not None
    assert (policy.certificate.risk, policy.certificate.delta, policy.certificate.n) == (0.05, 0.02, 550)
    assert policy.certificate.bound == pytest.approx(1 - 0.02 ** (1 / 400))
    assert policy.certificate.coverage == pytest.approx(400 / 550)


def test_delta_is_the_certificates_by_default_and_one_in_twenty_without_one(known: Detector) -> None:
    for detector, delta in ((known, 0.1), (replace(known, certificate=None), 0.05)):
        certificate = detector.policy(risk=0.05).certificate
        assert certificate is not None
        assert certificate.delta == delta
        assert certificate.bound == pytest.approx(1 - delta ** (1 / 400))


def test_verdicts_are_decided_by_the_guaranteed_threshold_and_carry_its_certificate(
    detector: Detector, shapes: ImageSet
) -> None:
    images = [pixels.permute(1, 2, 0).numpy() for pixels in shapes.pixels[:40]]
    before = detector.predict(images)
    found = sorted({verdict.reliability for verdict in before})
    # The unsure calibration images lie between two of these pictures, so a strict risk parts them.
    gap, low = max((high - low, low) for low, high in itertools.pairwise(found))
    assert gap > 0.01
    parted = replace(detector, calibration_sample=sample_of((1.0, 400, 0), (low + gap / 2, 100, 50)))
    strict, loose = parted.predict(images, risk=0.05), parted.predict(images, risk=0.12, batch_size=7)
    assert {verdict.decision for verdict in loose} == {"accept"}
    assert [verdict.decision for verdict in strict] == [
        "accept" if verdict.reliability > low + gap / 2 else "review" for verdict in before
    ]
    assert {verdict.decision for verdict in strict} == {"accept", "review"}
    for verdicts, risk, threshold in ((strict, 0.05, low + gap / 2), (loose, 0.12, 0.0)):
        assert [verdict.threshold for verdict in verdicts] == [pytest.approx(threshold, abs=0.001)] * 40
        assert {verdict.certificate and verdict.certificate.risk for verdict in verdicts} == {risk}


def test_a_risk_out_of_reach_names_the_smallest_that_is_not(known: Detector) -> None:
    # 5 errors among 400 bound the risk by 0.0261 at delta 0.05, see test_risk_sample.
    with pytest.raises(GuaranteeError) as caught:
        known.predict([], risk=0.02, delta=0.05)
    assert str(caught.value) == (
        "tiny: no threshold keeps the risk at 0.02 with confidence 0.95, as far as its 550 calibration images can "
        "tell; it takes 523 at the very least, and about 720 at the error rate of 0.00% seen among the most reliable "
        "73% of them; the smallest risk that one keeps is 0.027, so ask for another risk or calibrate on more images."
    )


def test_when_no_risk_can_be_guaranteed_that_is_said(known: Detector) -> None:
    hopeless = replace(known, calibration_sample=sample_of((0.9, 5, 0)))
    with pytest.raises(GuaranteeError, match="none keeps any other risk either, so ask for a larger delta"):
        hopeless.policy(risk=0.5)


def test_a_bundle_without_calibration_images_says_so(known: Detector) -> None:
    with pytest.raises(GuaranteeError, match="tiny: keeps no calibration images to compute a threshold from; train"):
        replace(known, calibration_sample=None).policy(risk=0.05)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"threshold": 0.5, "risk": 0.05}, "threshold and risk exclude each other"),
        ({"delta": 0.05}, "delta goes with a risk"),
        ({"threshold": 0.5, "delta": 0.05}, "delta goes with a risk"),
        ({"threshold": 1.01}, "threshold is 1.01; give a number from 0 to 1."),
        ({"threshold": math.nan}, "threshold is nan; give a number from 0 to 1."),
        ({"risk": 0.0}, "risk must be above 0 and below 1"),
        ({"risk": math.nan}, "risk must be above 0 and below 1"),
        ({"risk": 0.05, "delta": 1.0}, "delta must be above 0 and below 1"),
    ],
)
def test_what_means_nothing_is_refused(known: Detector, asked: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        known.predict([], **asked)  # type: ignore[arg-type]
