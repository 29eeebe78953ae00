"""What the numbers in the arrays must be: finite, in range, and what the card says of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch

from reason.bundle.card import Card
from reason.bundle.faults import broken
from reason.bundle.folders import CARD, META, SUFFIX
from reason.bundle.shapes import CLASSES
from reason.detector.certificate import Certificate
from reason.detector.heads import ReliabilityHead, Score
from reason.detector.policy_request import is_risk
from reason.detector.risk import CalibrationSample, upper_bound
from reason.signals import SignalSet
from reason.signals.texts import printable

LARGEST = 1e15
"""Numbers in single precision up to this can be squared and added up; no fitted number comes near it."""

Tensors = Mapping[str, torch.Tensor]

ROUNDING = 1e-9
"""How far numbers of a certificate may be from those recomputed, as other versions of SciPy round otherwise."""


def check_base(path: Path, tensors: Tensors) -> None:
    """Refuse weights that are not finite, and variances of batch norms below 0."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not _within(tensor, LARGEST):
            raise broken(path, f"{name} holds numbers that are not finite")
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise broken(path, f"{name} holds a negative variance")


def check_finite(path: Path, tensors: Tensors) -> None:
    """Refuse arrays that hold NaN or infinity, or what squares to it. A head's limit may be infinite: no limit."""
    for name, tensor in tensors.items():
        unlimited = path.name == META and name == "limit" and bool((tensor == math.inf).all())
        if tensor.is_floating_point() and not unlimited and not _within(tensor, LARGEST):
            raise broken(path, f"{name} holds numbers that are not finite, or above {LARGEST:g}")


def _within(tensor: torch.Tensor, limit: float) -> bool:
    """Return whether all numbers are in [-limit, limit]; NaN is in no range."""
    if not tensor.numel():
        return True
    low, high = torch.aminmax(tensor)  # the fastest look at each number, and NaN wins
    return -limit <= float(low) and float(high) <= limit


def check_head(path: Path, card: Card, tensors: Tensors) -> None:
    """Compare the names of the classes with the card's, and refuse deviations and limits that are not above 0."""
    check_finite(path, tensors)
    try:
        classes = printable(tensors[CLASSES], CLASSES)
    except ValueError as error:
        raise broken(path, str(error)) from None
    if classes != card.classes:
        raise broken(path.with_name(CARD), f"its classes are not those that {META} was fitted with")
    for name in tensors.keys() & {"deviation", "limit"}:
        if not bool((tensors[name] > 0).all()):
            raise broken(path, f"{name} holds a number that is not above 0")
    if "low" in tensors and bool((tensors["low"] > tensors["high"]).any()):
        raise broken(path, "low holds a number above that of high")


def check_direction(path: Path, head: ReliabilityHead, signals: SignalSet) -> None:
    """Refuse a score that takes a column the other way round than its family says."""
    if not isinstance(head, Score):
        return
    said = {column.name: column.direction for family in signals.families for column in family.columns}
    if said[head.shape["column"]] not in (head.shape["direction"], "none"):
        raise broken(path, f"head.direction is not that of the column {head.shape['column']}")


def check_state(path: Path, card: Card, tensors: Tensors) -> None:
    """Refuse what the signals can not have learned: numbers that are not finite, or out of range."""
    check_finite(path, tensors)
    kind = card.signals.stored()[path.name.removesuffix(SUFFIX)]
    try:
        kind.check(dict(tensors), card.signals, len(card.classes))
    except ValueError as error:
        raise broken(path, str(error)) from None


def check_sample(path: Path, certificate: Certificate | None, threshold: float, tensors: Tensors) -> None:
    """Refuse reliabilities out of range, and a certificate that does not follow from them at the threshold."""
    check_finite(path, tensors)
    _check_probabilities(path, "reliability", tensors)
    sample = CalibrationSample(tensors["reliability"].numpy(), tensors["correct"].numpy())
    fault = None if certificate is None else _fault(certificate, threshold, sample)
    if fault:
        raise broken(path.with_name(CARD), f"its certificate does not follow from {path.name}: {fault}")


def check_map(path: Path, tensors: Tensors) -> None:
    """Refuse shares and probabilities out of range."""
    check_finite(path, tensors)
    for name in ("failure_probability", "explained_variance"):
        _check_probabilities(path, name, tensors)


def _fault(certificate: Certificate, threshold: float, sample: CalibrationSample) -> str | None:
    if not (is_risk(certificate.risk) and is_risk(certificate.delta)):
        return "risk and delta must be in (0, 1)"
    found = sample.guarantee(min(certificate.risk * (1 + ROUNDING), 1 - ROUNDING), certificate.delta)
    if found is None or threshold < found.threshold:
        return f"no threshold of {threshold:g} guarantees a risk of {certificate.risk:g}"
    accepted = sample.reliability >= threshold
    n, kept, errors = len(accepted), int(accepted.sum()), int((accepted & ~sample.correct).sum())
    figures = {
        "n": (certificate.n, n),
        "coverage": (certificate.coverage, kept / n),
        "bound": (certificate.bound, float(upper_bound(errors, kept, certificate.delta))),
    }
    for name, (said, computed) in figures.items():
        if not math.isclose(said, computed, rel_tol=ROUNDING):
            return f"{name} is {said:g}, and {computed:g} when computed again"
    if certificate.method != found.certificate.method:
        return f"the method is not {found.certificate.method}"
    return None


def _check_probabilities(path: Path, name: str, tensors: Tensors) -> None:
    if float(tensors[name].min()) < 0 or float(tensors[name].max()) > 1:
        raise broken(path, f"{name} holds numbers outside 0 to 1")
