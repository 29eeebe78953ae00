"""Options that take a share, such as a risk."""

from __future__ import annotations

import math
from typing import Any

import click


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
