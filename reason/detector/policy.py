"""The policy that decides: from which reliability a prediction is accepted, and what that guarantees."""

from __future__ import annotations

from dataclasses import dataclass

from reason.detector.certificate import Certificate
from reason.detector.policy_request import PolicyRequest
from reason.detector.risk import CalibrationSample, RiskGuarantee
from reason.detector.verdict import ACCEPT, REVIEW, Decision
from reason.errors import GuaranteeError

DELTA = 0.05
"""Allowed chance that a guarantee fails, where neither the caller nor the bundle names one."""


@dataclass(frozen=True, slots=True)
class AcceptancePolicy:
    """What turns a reliability into a decision."""

    threshold: float
    """Reliability from which predictions are accepted, in [0, 1]."""
    certificate: Certificate | None
    """What the threshold guarantees; ``None`` for nothing."""

    def decide(self, reliability: float) -> Decision:
        """Return ``accept`` from the threshold on, else ``review``."""
        return ACCEPT if reliability >= self.threshold else REVIEW


def choose_policy(
    own: AcceptancePolicy,
    bundle: str,
    sample: CalibrationSample | None,
    asked: PolicyRequest,
) -> AcceptancePolicy:
    """Return the policy that is asked for; see ``Detector.policy``.

    Args:
        own: the bundle's own policy, which holds when nothing is asked for.
        bundle: how an error calls the bundle.
        sample: the bundle's calibration sample.
        asked: what the caller wants.

    Raises:
        GuaranteeError: no threshold can guarantee the risk, or there is no calibration sample.
    """
    if asked.threshold is not None:
        return AcceptancePolicy(asked.threshold, None)
    if asked.risk is None:
        return own
    delta = asked.delta
    if delta is None:
        delta = own.certificate.delta if own.certificate else DELTA
    found = guarantee_or_refuse(bundle, sample, asked.risk, delta)
    return AcceptancePolicy(found.threshold, found.certificate)


def guarantee_or_refuse(bundle: str, sample: CalibrationSample | None, risk: float, delta: float) -> RiskGuarantee:
    """Return the guarantee of largest coverage; where there is none, say which risk could have been guaranteed, and how
    many calibration images would do.

    Raises:
        GuaranteeError: no threshold can guarantee the risk, or there is no calibration sample.
        PolicyError: the risk or delta is outside (0, 1).
    """
    if sample is None:
        raise GuaranteeError(f"{bundle}: keeps no calibration images to compute a threshold from; train it again.")
    found = sample.guarantee(risk, delta)
    if found is not None:
        return found
    smallest = sample.smallest_risk(delta)
    advice = (
        f"the smallest risk that one keeps is {smallest:g}, so ask for another risk or calibrate on more images."
        if smallest < 1
        else "none keeps any other risk either, so ask for a larger delta or calibrate on more images."
    )
    raise GuaranteeError(
        f"{bundle}: no threshold keeps the risk at {risk:g} with confidence {1 - delta:g}, as far as its "
        f"{len(sample.correct)} calibration images can tell; {_needed(sample, risk, delta)}; {advice}"
    )


def _needed(sample: CalibrationSample, risk: float, delta: float) -> str:
    """Return in words how many calibration images would do."""
    needed = sample.images_needed(risk, delta)
    seen = f"at the error rate of {needed.error_rate:.2%} seen among the most reliable {needed.share:.0%} of them"
    likely = f"about {needed.likely:,}" if needed.likely else "no number is enough"
    return f"it takes {needed.least:,} at the very least, and {likely} {seen}"
