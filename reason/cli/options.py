"""What the options of several commands share."""

from __future__ import annotations

import math
import re
from typing import Any

import click

from reason.detector.policy_request import PolicyRequest
from reason.errors import PolicyError


class _OpenShare(click.FloatRange):
    """A number above 0 and below 1. NaN, which Click lets pass because it compares false, is none."""

    def __init__(self) -> None:
        super().__init__(0, 1, min_open=True, max_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail("nan is not a number above 0 and below 1.", param, ctx)
        return number


OPEN_SHARE = _OpenShare()
"""Type of an option that takes a number above 0 and below 1."""


def policy_request(threshold: float | None, risk: float | None, delta: float | None) -> PolicyRequest:
    """Return what ``--threshold``, ``--risk`` and ``--delta`` ask for together.

    Raises:
        click.UsageError: they do not go together.
    """
    try:
        return PolicyRequest(threshold, risk, delta)
    except PolicyError as error:
        raise click.UsageError(re.sub(r"\b(threshold|risk|delta)\b", r"--\1", str(error))) from None
