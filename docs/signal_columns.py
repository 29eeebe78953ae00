"""The columns of every signal family, as docs/signals.md shows them: those of families fitted to made-up evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.base.taps import Tap
from reason.base.views import VIEWS
from reason.signals import FAMILIES, Column, SignalFamily, SignalSettings
from reason.signals.base import UNITS
from reason.signals.context import FitContext

CLASSES, FEATURES, IMAGES = 3, 8, 30
LAYER = "layer"

DIRECTIONS = {"trust": "more trust", "doubt": "less trust", "none": "neither"}
"""What a larger value says."""

_PATTERNS = (
    (re.compile(rf"^({'|'.join(VIEWS)})_"), "VIEW_"),
    (re.compile(rf"^({LAYER}|embedding)_(?=[a-z_]*(distance|residual)$)"), "LAYER_"),
    (re.compile(rf"^{LAYER}_mean_\d+$"), "LAYER_POOLING_N"),
    (re.compile(r"_\d+$"), "_N"),
)
"""What stands for the views, the layers, the poolings and the numbers in the names of columns."""


def columns_of(name: str) -> dict[str, list[Column]]:
    """Return the columns of a family by what their names have in common, such as ``pca_N``."""
    found: dict[str, list[Column]] = {}
    for column in _example(name).columns:
        found.setdefault(_pattern(column.name), []).append(column)
    return found


def table(name: str) -> str:
    """Return the columns of a family as a Markdown table."""
    return "\n".join(_lines(name))


def _lines(name: str) -> Iterator[str]:
    yield "| column | unit | larger means | what it says |"
    yield "| --- | --- | --- | --- |"
    for columns in columns_of(name).values():
        first = columns[0]
        means = ", ".join(dict.fromkeys(DIRECTIONS[column.direction] for column in columns))
        yield f"| `{_pattern(first.name)}` | {UNITS[first.unit]} | {means} | {_plural(first.help)} |"


def _pattern(name: str) -> str:
    for found, written in _PATTERNS:
        name = found.sub(written, name)
    return name


def _plural(text: str) -> str:
    """Say of any layer and any number what the first says of itself."""
    text = re.sub(rf"\b(the layer )?{LAYER}\b(?! \d)", "layer", text)
    return re.sub(r"(Principal component|number|channel|Output) \d+", r"\1 N", text)


def _example(name: str) -> SignalFamily:
    """Return a family as it is fitted, to random evidence of a small classifier with one tapped layer."""
    random = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random)

    evidence = Evidence(
        drawn(IMAGES, CLASSES), drawn(IMAGES, FEATURES), activations={f"{LAYER}_mean": drawn(IMAGES, 4)}
    )
    labels = torch.arange(IMAGES) % CLASSES
    train = Labelled(evidence, labels=labels, sources=tuple(f"{row}.png" for row in range(IMAGES)))
    head = Head(drawn(CLASSES, FEATURES), drawn(CLASSES), 0.2, FEATURES, CLASSES)
    families = dict.fromkeys((name, "neighbours"))  # views look the bank up where the neighbours do
    settings = SignalSettings(families=tuple(families), pca_components=4, pca_columns=2)
    return FAMILIES[name].fit(FitContext(settings, head, (Tap(LAYER, LAYER, 4),), train))
