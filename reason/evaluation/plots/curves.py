"""Curves over thresholds, and histograms: how well scores rank, and how well a probability is calibrated."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from reason.evaluation.plots.style import ACCENT, COLOURS, INK, QUIET, WARN, Curves, titled_axes
from reason.metrics import ap_error, ap_success, auroc, risk_coverage


def roc(scores: Curves, correct: NDArray[np.bool_]) -> Figure:
    """ROC curves, correct predictions positive."""
    figure, axes = titled_axes("Telling right from wrong", "wrong predictions accepted", "right predictions accepted")
    for colour, (name, score) in zip(COLOURS, scores.items(), strict=False):
        wrong, right, _ = roc_curve(correct, score)
        axes.plot(wrong, right, color=colour, label=f"{name}  AUROC {auroc(score, correct):.3f}")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":")
    axes.legend(loc="lower right")
    return figure


def precision_recall(scores: Curves, correct: NDArray[np.bool_]) -> Figure:
    """Precision against recall: with right predictions as positives, and with wrong ones.

    A curve has a point for each distinct score, and the area under its steps is the average precision. The dotted line
    is the share of positives: the precision of a score that knows nothing.
    """
    figure = Figure(figsize=(9.6, 4.2))
    panels = figure.subplots(1, 2)
    kinds = (("right", "accepted", correct, 1, ap_success), ("wrong", "reviewed", ~correct, -1, ap_error))
    for axes, (outcome, fate, positive, sign, average) in zip(panels, kinds, strict=True):
        axes.set(title=f"Finding the {outcome} predictions", xlabel=f"recall: {outcome} predictions {fate}")
        axes.set_ylabel(f"precision: {outcome} among the {fate}")
        for colour, (name, score) in zip(COLOURS, scores.items(), strict=False):
            # Ranks tie as the scores do, and are finite where a score is not.
            ranks = np.unique(score, return_inverse=True)[1]
            precision, recall, _ = precision_recall_curve(positive, sign * ranks)
            label = f"{name}  AP {average(score, correct):.3f}"
            axes.plot(recall, precision, color=colour, drawstyle="steps-post", label=label)
        share = positive.mean()
        axes.axhline(share, color=QUIET, linewidth=0.8, linestyle=":")
        # Where nearly all are positive, curves would crowd at the top; the first few accepted may leave the panel.
        axes.set_ylim(max(0, 2 * share - 1), 1.01)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16))
    figure.subplots_adjust(wspace=0.3)
    return figure


def selective_risk(scores: Curves, correct: NDArray[np.bool_]) -> Figure:
    """Error rate among the accepted against the share accepted."""
    figure, axes = titled_axes("Risk against coverage", "coverage", "error rate among the accepted")
    for colour, (name, score) in zip(COLOURS, scores.items(), strict=False):
        coverage, risk = risk_coverage(score, correct)
        axes.plot(coverage, risk, color=colour, label=name)
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")
    return figure


def reliability_diagram(probabilities: Curves, correct: NDArray[np.bool_], bins: int = 15) -> Figure:
    """Accuracy against stated probability in equal-mass bins."""
    figure, axes = titled_axes("Does it mean what it says?", "stated probability", "share correct")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":")
    for colour, (name, probability) in zip(COLOURS, probabilities.items(), strict=False):
        parts = np.array_split(np.argsort(probability, kind="stable"), bins)
        stated = [probability[part].mean() for part in parts]
        seen = [correct[part].mean() for part in parts]
        axes.plot(stated, seen, color=colour, marker="o", markersize=4, label=name)
    axes.legend(loc="upper left")
    return figure


def histogram(
    title: str, probability: NDArray[np.float64], correct: NDArray[np.bool_], threshold: float | None
) -> Figure:
    """A probability of right and of wrong predictions."""
    figure, axes = titled_axes(f"{title} by outcome", title.lower(), "share of the group")
    edges = np.linspace(0, 1, 26).tolist()
    for name, group, colour in (("right", correct, ACCENT), ("wrong", ~correct, WARN)):
        weights = np.full(group.sum(), 1 / max(group.sum(), 1))
        label = f"{name} ({group.sum()})"
        axes.hist(probability[group], bins=edges, weights=weights, color=colour, alpha=0.6, label=label)
    if threshold is not None:
        axes.axvline(threshold, color=INK, linewidth=1, linestyle="--", label=f"threshold {threshold:.3f}")
    axes.legend(loc="upper center")
    return figure
