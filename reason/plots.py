"""The figures of an evaluation, one function a figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, roc_curve

from reason.detector import Detector
from reason.fit import Labelled
from reason.metrics import auroc, risk_coverage

INK, ACCENT, WARN, QUIET = "#1d2733", "#0b6e69", "#c2410c", "#8a97a6"
COLOURS = (ACCENT, WARN, "#3b5bdb", "#a16207", QUIET)
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "figure.dpi": 130,
    "legend.frameon": False,
}

Scores = Mapping[str, NDArray[np.float64]]


def draw_all(detector: Detector, test: Labelled, scores: Scores, folder: Path) -> None:
    """Write every figure as a PNG into ``folder``."""
    correct = test.correct.numpy()
    reliability = detector.judge(test.evidence).reliability.double().numpy()
    with pyplot.rc_context(STYLE):
        figures = {
            "roc": roc(scores, correct),
            "risk_coverage": selective_risk(scores, correct),
            "reliability_diagram": reliability_diagram(
                {"reliability": reliability, "softmax confidence": scores["MSP"]}, correct
            ),
            "histogram": histogram(reliability, correct, detector.threshold),
            "confusion": confusion(test, detector.classes),
        }
        history = detector.card.get("history")
        if history:
            figures["training"] = training(history)
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.png", bbox_inches="tight")
            pyplot.close(figure)


def _axes(title: str, x: str, y: str, size: tuple[float, float] = (5.2, 4.2)) -> tuple[Figure, Axes]:
    figure, axes = pyplot.subplots(figsize=size)
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes


def roc(scores: Scores, correct: NDArray[np.bool_]) -> Figure:
    """ROC curves, correct predictions positive."""
    figure, axes = _axes("Telling right from wrong", "wrong predictions accepted", "right predictions accepted")
    for colour, (name, score) in zip(COLOURS, scores.items(), strict=False):
        wrong, right, _ = roc_curve(correct, score)
        axes.plot(wrong, right, color=colour, label=f"{name}  AUROC {auroc(score, correct):.3f}")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":")
    axes.legend(loc="lower right")
    return figure


def selective_risk(scores: Scores, correct: NDArray[np.bool_]) -> Figure:
    """Error rate among the accepted against the share accepted."""
    figure, axes = _axes("Risk against coverage", "coverage", "error rate among the accepted")
    for colour, (name, score) in zip(COLOURS, scores.items(), strict=False):
        coverage, risk = risk_coverage(score, correct)
        axes.plot(coverage, risk, color=colour, label=name)
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")
    return figure


def reliability_diagram(probabilities: Scores, correct: NDArray[np.bool_], bins: int = 15) -> Figure:
    """Accuracy against stated probability in equal-mass bins."""
    figure, axes = _axes("Does it mean what it says?", "stated probability", "share correct")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":")
    for colour, (name, probability) in zip(COLOURS, probabilities.items(), strict=False):
        parts = np.array_split(np.argsort(probability, kind="stable"), bins)
        stated = [probability[part].mean() for part in parts]
        seen = [correct[part].mean() for part in parts]
        axes.plot(stated, seen, color=colour, marker="o", markersize=4, label=name)
    axes.legend(loc="upper left")
    return figure


def histogram(reliability: NDArray[np.float64], correct: NDArray[np.bool_], threshold: float) -> Figure:
    """Reliability of right and of wrong predictions."""
    figure, axes = _axes("Reliability by outcome", "reliability", "share of the group")
    edges = np.linspace(0, 1, 26).tolist()
    for name, group, colour in (("right", correct, ACCENT), ("wrong", ~correct, WARN)):
        weights = np.full(group.sum(), 1 / max(group.sum(), 1))
        label = f"{name} ({group.sum()})"
        axes.hist(reliability[group], bins=edges, weights=weights, color=colour, alpha=0.6, label=label)
    axes.axvline(threshold, color=INK, linewidth=1, linestyle="--", label=f"threshold {threshold:.3f}")
    axes.legend(loc="upper left")
    return figure


def confusion(test: Labelled, classes: tuple[str, ...]) -> Figure:
    """Counts of true against predicted class."""
    counts = confusion_matrix(test.labels.numpy(), test.evidence.predicted.numpy(), labels=list(range(len(classes))))
    figure, axes = _axes("Confusion of the base classifier", "predicted", "true", size=(7, 6))
    axes.imshow(np.sqrt(counts), cmap="Greens")
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    for row, column in np.ndindex(*counts.shape):
        shade = "white" if counts[row, column] > counts.max() / 3 else INK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=shade, fontsize=8)
    return figure


def training(history: list[dict[str, Any]]) -> Figure:
    """Loss and held-out accuracy of the base classifier, epoch by epoch."""
    figure, axes = _axes("Training of the base classifier", "epoch", "held-out accuracy")
    epochs = [report["epoch"] for report in history]
    axes.plot(epochs, [report["accuracy"] for report in history], color=ACCENT, label="accuracy, averaged weights")
    axes.set_ylim(0, 1)
    right = axes.twinx()
    right.plot(epochs, [report["loss"] for report in history], color=WARN, label="training loss")
    right.set_ylabel("cross-entropy in nats")
    right.set_ylim(bottom=0)
    lines = [*axes.get_lines(), *right.get_lines()]
    axes.legend(lines, [str(line.get_label()) for line in lines], loc="center right")
    return figure
