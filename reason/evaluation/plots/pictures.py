"""The page of the most overconfident mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reason.data.images import to_picture
from reason.data.labels import CLEAN, OOD_LABEL
from reason.evaluation.plots.style import ACCENT, INK, WARN
from reason.evaluation.scored import ScoredSplit

COLUMNS, MOST_ROWS = 8, 2
"""Pictures beside and below each other in a block."""

SIDE, GAP = 1.45, 0.25
"""Side of a picture and the gap beside it, in inches."""

HEADING, TITLE, CAPTION = 0.45, 0.4, 0.55
"""Height of a block's heading, and of the text above and below a picture, in inches."""

LONGEST_NAME = 20
"""Characters of a class name; longer ones are cut."""

Rows = NDArray[np.intp]


def most_overconfident(split: ScoredSplit, threshold: float, count: int) -> tuple[Rows, Rows]:
    """Return the rows of the wrong predictions with the highest softmax confidence, highest first.

    Args:
        split: whose predictions.
        threshold: reliability from which a prediction is accepted.
        count: rows of each kind, at most.

    Returns:
        Those that were sent to review, and those that were accepted.
    """
    order = np.argsort(-split.scores["MSP"], kind="stable")
    wrong = order[~split.correct[order]]
    accepted = split.reliability[wrong] >= threshold
    return wrong[~accepted][:count], wrong[accepted][:count]


def mistakes(split: ScoredSplit, pixels: torch.Tensor, classes: Sequence[str], threshold: float) -> Figure:
    """Pictures of the most confident mistakes: those that the reliability caught, and those that it missed.

    Args:
        split: whose predictions.
        pixels: its images, uint8 ``[n, channels, size, size]``.
        classes: class names in the order of the logits.
        threshold: reliability from which a prediction is accepted.
    """
    caught, missed = most_overconfident(split, threshold, count=len(split.images))
    blocks = (
        (f"Caught: mistakes sent to review, reliability below {threshold:.3f}", ACCENT, caught),
        (f"Missed: mistakes accepted, reliability {threshold:.3f} or more", WARN, missed),
    )
    line_height = TITLE + SIDE + CAPTION
    width = COLUMNS * (SIDE + GAP)
    height = top = sum(HEADING + _lines(rows) * line_height for _, _, rows in blocks)
    figure = Figure(figsize=(width, height))
    for title, colour, rows in blocks:
        shown = rows[: COLUMNS * MOST_ROWS]
        top -= HEADING
        heading = f"{title}: {_amount(len(shown), len(rows))}"
        figure.text(0, (top + 0.05) / height, heading, fontsize=12, weight="bold", color=colour)
        for number, row in enumerate(shown.tolist()):
            line, column = divmod(number, COLUMNS)
            left, bottom = column * (SIDE + GAP), top - line * line_height - TITLE - SIDE
            axes = figure.add_axes((left / width, bottom / height, SIDE / width, SIDE / height))
            _draw(axes, split, row, pixels[row], classes)
        top -= _lines(rows) * line_height
    return figure


def _lines(rows: Rows) -> int:
    """Return how many lines of pictures these rows take."""
    return min(-(-len(rows) // COLUMNS), MOST_ROWS)


def _amount(shown: int, count: int) -> str:
    if shown < count:
        return f"the {shown} most confident of {count}"
    return f"{count} in all" if count else "none"


def _draw(axes: Axes, split: ScoredSplit, row: int, pixels: torch.Tensor, classes: Sequence[str]) -> None:
    """Draw a picture with what was said of it, what it is, and how it was corrupted."""
    images = split.images
    label = int(images.labels[row])
    truth = "none of the classes" if label == OOD_LABEL else _shortened(classes[label])
    axes.imshow(to_picture(pixels), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.axis("off")
    axes.set_title(f"says {_shortened(classes[int(images.evidence.predicted[row])])},\nis {truth}", fontsize=8)
    numbers = f"confidence {split.scores['MSP'][row]:.3f}\nreliability {split.reliability[row]:.3f}"
    if images.severities is not None and images.corruptions[row] != CLEAN:
        numbers += f"\n{images.corruptions[row]}, severity {images.severities[row]:.2f}"
    axes.text(0, -0.04, numbers, transform=axes.transAxes, va="top", fontsize=8, color=INK)


def _shortened(name: str) -> str:
    """Cut a name that would reach into the next picture."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}\u2026"
