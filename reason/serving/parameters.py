"""The parameters of requests, from the query or the form, checked before anything is done."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Request

from reason.data.corruptions import CORRUPTIONS, CorruptionRequest
from reason.detector.policy_request import PolicyRequest, is_risk
from reason.serving.problems import BAD_PARAMETER, Problem
from reason.serving.uploads import FIELDS
from reason.suggestions import LONGEST, did_you_mean

NAMES = ("model", "threshold", "risk", "delta", "corruption", "severity", "seed")
"""Parameters that ``POST /predict`` takes."""

SAMPLE_NAMES = ("model", "index")
"""Parameters that ``GET /samples`` takes."""

NONE = "none"
"""Value of ``corruption`` that corrupts nothing, but shows what was judged."""

SEVERITY = 0.5
"""Severity of a corruption when a request names none."""

SEED = 0
"""Seed of a corruption when a request names none."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a client asked for besides the verdict itself."""

    model: str | None
    """Name of the bundle that judges; ``None`` for the default one."""
    policy: PolicyRequest
    """From which reliability predictions are accepted."""
    corruption: CorruptionRequest | None
    """How each picture is corrupted before it is judged; ``None`` for not at all."""
    picture: bool
    """Whether the answer shows the picture that was judged."""


def read_parameters(request: Request) -> Parameters:
    """Read the parameters of ``POST /predict``; one in the query wins over the same one in the form.

    Raises:
        Problem: a parameter is unknown or out of range.
        PolicyError: a threshold, a risk and a delta do not go together.
        CorruptionError: the seed is out of range.
    """
    form = request.form if request.mimetype == "multipart/form-data" else {}
    values = {name: value for name, value in form.items() if name not in FIELDS} | request.args.to_dict()
    _refuse_unknown(values, NAMES)
    return Parameters(
        values.get("model"),
        PolicyRequest(
            _share("threshold", values["threshold"]) if "threshold" in values else None,
            _risk("risk", values["risk"]) if "risk" in values else None,
            _risk("delta", values["delta"]) if "delta" in values else None,
        ),
        _corruption(values),
        picture="corruption" in values,
    )


def read_sample_parameters(request: Request) -> tuple[str | None, int]:
    """Read the parameters of ``GET /samples``: the model's name, ``None`` for the default one, and the index.

    Raises:
        Problem: a parameter is unknown, or the index is not a whole number of at least 0.
    """
    values = request.args.to_dict()
    _refuse_unknown(values, SAMPLE_NAMES)
    return values.get("model"), _whole("index", values.get("index", "0"))


def _refuse_unknown(values: Iterable[str], known: tuple[str, ...]) -> None:
    for name in values:
        if name not in known:
            # Ignoring a misspelt threshold would accept images that the client meant to review.
            raise Problem(BAD_PARAMETER, f"Unknown parameter {name[:LONGEST]!r}; {did_you_mean(name, known)}")


def _corruption(values: Mapping[str, str]) -> CorruptionRequest | None:
    name = values.get("corruption", NONE)
    if name == NONE:
        for name in ("severity", "seed"):
            if name in values:
                raise Problem(BAD_PARAMETER, f"{name} goes with a corruption; name one or leave {name} out.")
        return None
    if name not in CORRUPTIONS:
        hint = did_you_mean(name, CORRUPTIONS, "GET /corruptions lists them.")
        raise Problem(BAD_PARAMETER, f"Unknown corruption {name[:LONGEST]!r}; {hint}")
    severity, seed = values.get("severity"), values.get("seed")
    return CorruptionRequest(
        name,
        SEVERITY if severity is None else _share("severity", severity),
        SEED if seed is None else _whole("seed", seed),
    )


def _share(name: str, text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 1:
        raise Problem(BAD_PARAMETER, f"{name} is {text[:80]!r}; give a number from 0 to 1.")
    return value


def _risk(name: str, text: str) -> float:
    value = _number(text)
    if not is_risk(value):
        raise Problem(BAD_PARAMETER, f"{name} is {text[:80]!r}; give a number above 0 and below 1.")
    return value


def _number(text: str) -> float:
    """Return the number, or NaN, which is in no range."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _whole(name: str, text: str) -> int:
    # Not int() alone, which also takes signs, blanks, underscores and digits of other scripts.
    if not re.fullmatch("[0-9]{1,20}", text):
        raise Problem(BAD_PARAMETER, f"{name} is {text[:80]!r}; give a whole number of at least 0.")
    return int(text)
