"""The parameters of requests, from the query or the form, checked before anything is done."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Request

from reason.data.corruptions import CORRUPTIONS, CorruptionRequest
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
    threshold: float | None
    """Reliability from which predictions are accepted, in [0, 1]; ``None`` for the bundle's own."""
    risk: float | None
    """Error rate among the accepted that the threshold shall promise, in (0, 1); excludes ``threshold``."""
    delta: float | None
    """Allowed chance that this promise fails, in (0, 1); ``None`` for the bundle's own."""
    corruption: CorruptionRequest | None
    """How each picture is corrupted before it is judged; ``None`` for not at all."""
    picture: bool
    """Whether the answer shows the picture that was judged."""


def read_parameters(request: Request) -> Parameters:
    """Read the parameters of ``POST /predict``; one in the query wins over the same one in the form.

    Raises:
        Problem: a parameter is unknown or out of range.
        CorruptionError: the seed is out of range.
    """
    form = request.form if request.mimetype == "multipart/form-data" else {}
    values = {name: value for name, value in form.items() if name not in FIELDS} | request.args.to_dict()
    _refuse_unknown(values, NAMES)
    if "threshold" in values and "risk" in values:
        raise Problem(BAD_PARAMETER, "threshold and risk exclude each other; leave one of them out.")
    if "delta" in values and "risk" not in values:
        raise Problem(BAD_PARAMETER, "delta goes with a risk; name one or leave delta out.")
    return Parameters(
        values.get("model"),
        _share("threshold", values["threshold"]) if "threshold" in values else None,
        _open_share("risk", values["risk"]) if "risk" in values else None,
        _open_share("delta", values["delta"]) if "delta" in values else None,
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
        for lonely in ("severity", "seed"):
            if lonely in values:
                raise Problem(BAD_PARAMETER, f"{lonely} goes with a corruption; name one or leave {lonely} out.")
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


def _open_share(name: str, text: str) -> float:
    value = _number(text)
    if not 0 < value < 1:
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
