"""What the options of several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from reason.detector.policy_request import PolicyRequest, is_risk
from reason.errors import PolicyError

Command = TypeVar("Command", bound=Callable[..., Any])


class _OpenShare(click.FloatRange):
    """A number above 0 and below 1. NaN, which Click lets pass because it compares false, is none."""

    def __init__(self) -> None:
        super().__init__(0, 1, min_open=True, max_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not is_risk(number):
            self.fail("nan is not a number above 0 and below 1.", param, ctx)
        return number


OPEN_SHARE = _OpenShare()
"""Type of an option that takes a number above 0 and below 1."""


def engine_options(command: Command) -> Command:
    """Add ``--engine`` and ``--device``, which ``reason.load`` checks."""
    engine = click.option(
        "--engine",
        metavar="NAME",
        default="auto",
        show_default=True,
        help="What runs the base classifier: torch, onnx, openvino, openvino-bf16, or auto for the fastest that may.",
    )
    device = click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="cpu",
        show_default=True,
        help="Where torch runs it; auto takes a GPU that is there.",
    )
    return engine(device(command))


def policy_request(threshold: float | None, risk: float | None, delta: float | None) -> PolicyRequest:
    """Return what ``--threshold``, ``--risk`` and ``--delta`` ask for together.

    Raises:
        click.UsageError: they do not go together.
    """
    try:
        return PolicyRequest(threshold, risk, delta)
    except PolicyError as error:
        raise click.UsageError(re.sub(r"\b(threshold|risk|delta)\b", r"--\1", str(error))) from None
