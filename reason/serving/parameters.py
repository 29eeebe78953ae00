"""The parameters of ``POST /predict``, from the query or the form."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from flask import Request

from reason.serving.problems import BAD_PARAMETER, Problem
from reason.serving.uploads import FIELDS

NAMES = ("model", "threshold")
"""Parameters that ``POST /predict`` takes."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a client asked for besides the verdict itself."""

    model: str | None
    """Name of the bundle that judges; ``None`` for the default one."""
    threshold: float | None
    """Reliability from which predictions are accepted, in [0, 1]; ``None`` for the bundle's own."""


def read_parameters(request: Request) -> Parameters:
    """Read the parameters; one in the query wins over the same one in the form.

    Raises:
        Problem: a parameter is unknown or out of range.
    """
    form = request.form if request.mimetype == "multipart/form-data" else {}
    values = {name: value for name, value in form.items() if name not in FIELDS} | request.args.to_dict()
    for name in values:
        if name not in NAMES:
            # Ignoring a misspelt threshold would accept images that the client meant to review.
            closest = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"did you mean {closest[0]}?" if closest else f"there are {' and '.join(NAMES)}."
            raise Problem(BAD_PARAMETER, f"Unknown parameter {name[:80]!r}; {hint}")
    threshold = values.get("threshold")
    return Parameters(values.get("model"), None if threshold is None else _threshold(threshold))


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise Problem(BAD_PARAMETER, f"threshold is {text[:80]!r}; give a number from 0 to 1.")
    return value
