"""The base classifier: what it mixes up, where in its latent space it fails, and how it was trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from reason.base.evidence import Labelled
from reason.detector.provenance import EpochReport
from reason.evaluation.plots.style import ACCENT, INK, WARN, titled_axes

MOST_DOTS = 3000
"""Images on the latent map."""


def confusion(test: Labelled, classes: tuple[str, ...]) -> Figure:
    """Counts of true against predicted class."""
    counts = confusion_matrix(test.labels.numpy(), test.evidence.predicted.numpy(), labels=list(range(len(classes))))
    figure, axes = titled_axes("Confusion of the base classifier", "predicted", "true", size=(7, 6))
    axes.imshow(np.sqrt(counts), cmap="Greens")
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    for row, column in np.ndindex(*counts.shape):
        shade = "white" if counts[row, column] > counts.max() / 3 else INK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=shade, fontsize=8)
    return figure


def latent(places: NDArray[np.float32], failure: NDArray[np.float64], correct: NDArray[np.bool_]) -> Figure:
    """Test images on the latent map, coloured by failure probability, the wrong ones crossed."""
    figure, axes = titled_axes("Latent space", "first component", "second component", size=(6.2, 5))
    rows = np.random.default_rng(0).permutation(len(places))[:MOST_DOTS]
    order = rows[np.argsort(failure[rows])]
    x, y = places.T
    dots = axes.scatter(x[order], y[order], c=failure[order], s=7, cmap="magma_r", vmin=0, vmax=1, linewidths=0)
    wrong = order[~correct[order]]
    axes.scatter(x[wrong], y[wrong], s=12, marker="x", color=INK, linewidths=0.5, label="wrong prediction")
    figure.colorbar(dots, ax=axes, label="failure probability")
    axes.legend(loc="upper right")
    return figure


def training(history: Sequence[EpochReport]) -> Figure:
    """Loss and held-out accuracy of the base classifier, epoch by epoch."""
    figure, axes = titled_axes("Training of the base classifier", "epoch", "held-out accuracy")
    epochs = [one.epoch for one in history]
    axes.plot(epochs, [one.accuracy for one in history], color=ACCENT, label="accuracy, averaged weights")
    axes.set_ylim(0, 1)
    right = axes.twinx()
    right.plot(epochs, [one.loss for one in history], color=WARN, label="training loss")
    right.set_ylabel("cross-entropy in nats")
    right.set_ylim(bottom=0)
    lines = [*axes.get_lines(), *right.get_lines()]
    axes.legend(lines, [str(line.get_label()) for line in lines], loc="center right")
    return figure
