"""The policy that decides: from which reliability a prediction is accepted, and what that promises."""

from __future__ import annotations

from dataclasses import dataclass

from reason.detector.certificate import Certificate
from reason.detector.risk import CalibrationSample, RiskGuarantee
from reason.detector.verdict import ACCEPT, REVIEW, Decision
from reason.errors import GuaranteeError

DELTA = 0.05
"""Allowed chance that a promise fails, where neither the caller nor the bundle names one."""


@dataclass(frozen=True, slots=True)
class AcceptancePolicy:
    """What turns a reliability into a decision."""

    threshold: float
    """Reliability from which predictions are accepted, in [0, 1]."""
    certificate: Certificate | None
    """What the threshold promises; ``None`` for nothing."""

    def decide(self, reliability: float) -> Decision:
        """Return ``accept`` from the threshold on, else ``review``."""
        return ACCEPT if reliability >= self.threshold else REVIEW


def choose_policy(
    own: AcceptancePolicy,
    bundle: str,
    sample: CalibrationSample | None,
    *,
    threshold: float | None,
    risk: float | None,
    delta: float | None,
) -> AcceptancePolicy:
    """Return the policy that the last three ask for; see ``Detector.policy``.

    Args:
        own: the bundle's own policy, which holds when nothing is asked for.
        bundle: how an error calls the bundle.
        sample: the bundle's calibration sample.
    """
    if threshold is not None and risk is not None:
        raise ValueError("threshold and risk exclude each other; give one of them.")
    if delta is not None and risk is None:
        raise ValueError("delta goes with a risk; give one or leave delta out.")
    if threshold is not None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], not {threshold}.")
        return AcceptancePolicy(threshold, None)
    if risk is None:
        return own
    if delta is None:
        delta = own.certificate.delta if own.certificate else DELTA
    promise = guarantee_or_refuse(bundle, sample, risk, delta)
    return AcceptancePolicy(promise.threshold, promise.certificate)


def guarantee_or_refuse(bundle: str, sample: CalibrationSample | None, risk: float, delta: float) -> RiskGuarantee:
    """Return the promise of largest coverage; where there is none, say which risk could have been promised.

    Raises:
        GuaranteeError: no threshold can promise the risk, or there is no calibration sample.
        ValueError: the risk or delta is outside (0, 1).
    """
    if sample is None:
        raise GuaranteeError(f"{bundle}: keeps no calibration images to compute a threshold from; train it again.")
    promise = sample.guarantee(risk, delta)
    if promise is not None:
        return promise
    smallest = sample.smallest_risk(delta)
    advice = (
        f"the smallest risk that one keeps is {smallest:g}, so ask for another risk."
        if smallest < 1
        else "none keeps any other risk either, so ask for a larger delta or calibrate on more images."
    )
    raise GuaranteeError(
        f"{bundle}: no threshold keeps the risk at {risk:g} with confidence {1 - delta:g}, as far as its "
        f"{len(sample.correct)} calibration images can tell; {advice}"
    )
