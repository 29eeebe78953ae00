"""What is wrong with a classifier or its data more often than not: refused, or said aloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from reason.base.evidence import Labelled
from reason.errors import FitError

REORDERED_SHARE, REORDERED_GAIN = 0.5, 3.0
"""Another order of the classes is refused where it would be right on this share of images, so many times as often."""

SMOOTH_CONFIDENCE, SMOOTH_SPREAD = 0.985, 0.03
"""A classifier that is hardly ever surer than this, and always about as sure (between quartiles), is label-smoothed."""

FEW_ERRORS = 30
"""Wrong predictions of a part below which its figures are said to be rough."""


def check_order(found: Labelled, classes: Sequence[str]) -> None:
    """Refuse classes that are, by all appearance, not in the order of the classifier's outputs.

    Args:
        found: evidence of images of all classes.
        classes: in the order that is claimed.

    Raises:
        FitError: one other order of the classes would make most predictions right.
    """
    from scipy.optimize import linear_sum_assignment

    counts = torch.zeros(len(classes), len(classes))
    counts.index_put_((found.labels, found.evidence.predicted), torch.ones(len(found)), accumulate=True)
    rows, columns = linear_sum_assignment(counts.numpy(), maximize=True)
    accuracy, best = float(counts.trace()) / len(found), float(counts[rows, columns].sum()) / len(found)
    if best >= REORDERED_SHARE and best > REORDERED_GAIN * accuracy:
        moved = next(row for row, column in zip(rows, columns, strict=True) if row != column and counts[row, column])
        raise FitError(
            f"the classifier is right on {accuracy:.1%} of the images, and would be on {best:.1%} if its outputs stood "
            f"for the classes in another order: what is labelled {classes[moved]} it mostly calls "
            f"{classes[columns[moved]]}; give the order of its outputs by classes (--classes FILE)."
        )


def doubts(found: Labelled, classes: Sequence[str]) -> Iterator[str]:
    """Yield sentences about what to beware of in a classifier, as seen on images that it knows or not."""
    accuracy, chance = float(found.correct.float().mean()), 1 / len(classes)
    if accuracy < 2 * chance and accuracy < 0.5:
        yield (
            f"the classifier is right on {accuracy:.1%} of the images, hardly more than by chance ({chance:.1%}): are "
            "the classes in the order of its outputs, and are pictures prepared as in its training?"
        )
    confidence = found.evidence.logits.double().softmax(dim=1).amax(dim=1)[found.correct]
    if len(confidence) >= FEW_ERRORS:
        low, high, top = confidence.quantile(torch.tensor([0.25, 0.75, 0.99], dtype=torch.float64)).tolist()
        if top < SMOOTH_CONFIDENCE and high - low < SMOOTH_SPREAD and high > 2 * chance:
            yield (
                f"its right predictions are all about {high:.0%} sure, as of training with label smoothing, after "
                "which confidence ranks worse (Xia et al. 2024, arXiv 2403.14715); a classifier trained without can be "
                "judged better."
            )


def rough(title: str, n: int, errors: int) -> Iterator[str]:
    """Yield a sentence where a part holds so few wrong predictions that its figures are rough."""
    if errors < FEW_ERRORS:
        yield f"{title}: {errors} of {n} predictions are wrong, so its figures are rough; more images would help."
