"""Kinds of sources by name, and the one way from what somebody wrote to a classifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reason.base.classifier import Classifier
from reason.data.images import Preprocessing
from reason.errors import ClassifierError
from reason.registry import Registry

Source = Callable[[str, Preprocessing | None], Classifier]
"""``source(rest, preprocessing)`` returns the classifier that the rest of a SPEC names, behind ``kind:``; of files that
tell their kind by their ending it gets the whole SPEC. ``preprocessing`` is what the caller says of it, and replaces
what the source knows. It raises a ``ClassifierError``.
"""

CODE = "code"
"""Kind of what is neither of another kind nor a file: ``package.module:factory``."""

SOURCES: Registry[Source] = Registry(
    "source of classifiers",
    group="reason.sources",
    modules=[f"reason.base.sources.{file}" for file in ("torchvision", "timm", "transformers", "code", "files")],
    accepts=callable,
    error=ClassifierError,
)
"""By what stands before the colon of a SPEC, or by the ending of a file."""


def resolve(spec: str, *, preprocessing: Preprocessing | None = None) -> Classifier:
    """Return the classifier that a SPEC names; see docs/classifiers.md for all of them.

    Args:
        spec: ``torchvision:NAME@WEIGHTS``, ``timm:NAME@WEIGHTS``, ``hf:FOLDER``, the path of a file of a registered
            ending, or ``package.module:factory``, whose module is imported: write down only code that you trust.
        preprocessing: how pictures are prepared, where the source does not say it or says something else.

    Raises:
        ClassifierError: there is no such source, a library is missing, weights do not fit, or nothing says how pictures
            are prepared.
    """
    kind, colon, rest = spec.partition(":")
    ending = Path(spec).suffix.lower().lstrip(".")
    if ending and ending in SOURCES and not (colon and kind in SOURCES):
        return SOURCES[ending](spec, preprocessing)
    if colon and kind in SOURCES and kind != CODE:
        return SOURCES[kind](rest, preprocessing)
    if colon and rest:
        return SOURCES[CODE](spec, preprocessing)
    raise ClassifierError(
        f"{spec[:200]}: no classifier; give torchvision:NAME@WEIGHTS, timm:NAME@WEIGHTS, hf:FOLDER, "
        "package.module:factory, model.onnx or model.pt2."
    )
