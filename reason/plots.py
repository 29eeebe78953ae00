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

from reason.datasets import CLEAN
from reason.detector import Detector
from reason.fit import Labelled
from reason.judge import Judged
from reason.latent import latent_of
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

SHOWN = ("REASON", "MSP", "energy", "kNN", "Mahalanobis")
"""Scores that the curves show; the heatmap and ``metrics.json`` hold all."""

MOST_DOTS = 3000
"""Images on the latent map."""

Scores = Mapping[str, NDArray[np.float64]]


def draw_all(detector: Detector, clean: Judged, home: Judged, report: Mapping[str, Any], folder: Path) -> None:
    """Write every figure as a PNG into ``folder``.

    Args:
        detector: who judged.
        clean: the clean split.
        home: the split whose images are like those that the bundle is made for.
        report: what ``metrics.json`` says.
        folder: where the figures go.
    """
    correct, reliability, scores = home.correct, home.reliability, home.scores
    shown = {name: scores[name] for name in SHOWN if name in scores}
    with pyplot.rc_context(STYLE):
        figures = {
            "roc": roc(shown, correct),
            "risk_coverage": selective_risk(shown, correct),
            "reliability_diagram": reliability_diagram(
                {"reliability": reliability, "softmax confidence": scores["MSP"]}, correct
            ),
            "reliability_by_outcome": histogram("Reliability", reliability, correct, detector.threshold),
            "confidence_by_outcome": histogram("Softmax confidence", scores["MSP"], correct, None),
            "confusion": confusion(clean.images, detector.classes),
            "auroc_by_corruption": heatmap(report["by_type"]),
            "severity": severity_curves(report["ladder"]),
            "auroc_by_severity": severity_heatmaps(report["ladder"]),
        }
        if report["training"]:
            figures["training"] = training(report["training"])
        if detector.latent_map is not None:
            places = detector.latent_map.place(latent_of(home.images.evidence, detector.base.taps)).numpy()
            figures["latent_map"] = latent(places, 1 - reliability, correct)
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


def histogram(
    title: str, probability: NDArray[np.float64], correct: NDArray[np.bool_], threshold: float | None
) -> Figure:
    """A probability of right and of wrong predictions."""
    figure, axes = _axes(f"{title} by outcome", title.lower(), "share of the group")
    edges = np.linspace(0, 1, 26).tolist()
    for name, group, colour in (("right", correct, ACCENT), ("wrong", ~correct, WARN)):
        weights = np.full(group.sum(), 1 / max(group.sum(), 1))
        label = f"{name} ({group.sum()})"
        axes.hist(probability[group], bins=edges, weights=weights, color=colour, alpha=0.6, label=label)
    if threshold is not None:
        axes.axvline(threshold, color=INK, linewidth=1, linestyle="--", label=f"threshold {threshold:.3f}")
    axes.legend(loc="upper center")
    return figure


def latent(places: NDArray[np.float32], failure: NDArray[np.float64], correct: NDArray[np.bool_]) -> Figure:
    """Test images on the latent map, coloured by failure probability, the wrong ones crossed."""
    figure, axes = _axes("Latent space", "first component", "second component", size=(6.2, 5))
    rows = np.random.default_rng(0).permutation(len(places))[:MOST_DOTS]
    order = rows[np.argsort(failure[rows])]
    x, y = places.T
    dots = axes.scatter(x[order], y[order], c=failure[order], s=7, cmap="magma_r", vmin=0, vmax=1, linewidths=0)
    wrong = order[~correct[order]]
    axes.scatter(x[wrong], y[wrong], s=12, marker="x", color=INK, linewidths=0.5, label="wrong prediction")
    figure.colorbar(dots, ax=axes, label="failure probability")
    axes.legend(loc="upper right")
    return figure


def heatmap(by_type: Mapping[str, Mapping[str, Any]]) -> Figure:
    """AUROC of every score on every corruption; those that a fit saw are marked."""
    types, names = list(by_type), list(next(iter(by_type.values()))["auroc"])
    values = np.array([[by_type[type_]["auroc"][name] for type_ in types] for name in names], dtype=np.float64)
    figure, axes = _axes("AUROC by corruption", "", "", size=(1.5 + 0.5 * len(types), 1 + 0.34 * len(names)))
    axes.imshow(values, cmap="Greens", vmin=0.5, vmax=1, aspect="auto")
    labels = [f"{type_} *" if by_type[type_]["kind"] == "seen" and type_ != CLEAN else type_ for type_ in types]
    axes.set_xticks(range(len(types)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("* seen by the fit")
    best = np.where(np.isnan(values), -np.inf, values).max(axis=0)
    _write_values(axes, values, bold=values == best)
    return figure


def severity_heatmaps(ladder: Mapping[str, list[Mapping[str, float]]]) -> Figure:
    """AUROC of REASON and of MSP for each corruption at each severity; blank where all predictions are alike."""
    figure, grid = pyplot.subplots(1, 2, figsize=(7.5, 0.6 + 0.26 * len(ladder)), sharey=True)
    steps = [f"{step['severity']:g}" for step in next(iter(ladder.values()))]
    for axes, title, key in zip(grid, ("REASON", "MSP"), ("auroc", "auroc_msp"), strict=True):
        values = np.array([[step[key] for step in row] for row in ladder.values()], dtype=np.float64)
        axes.imshow(values, cmap="Greens", vmin=0.5, vmax=1, aspect="auto")
        axes.set(title=f"AUROC of {title}", xlabel="severity")
        axes.set_xticks(range(len(steps)), steps)
        axes.set_yticks(range(len(ladder)), list(ladder))
        _write_values(axes, values)
    return figure


def _write_values(axes: Axes, values: NDArray[np.float64], bold: NDArray[np.bool_] | None = None) -> None:
    """Write shares into the cells of a green heatmap, the undefined ones blank."""
    for row, column in np.ndindex(*values.shape):
        value = values[row, column]
        axes.text(
            column,
            row,
            "" if np.isnan(value) else f"{value:.2f}".lstrip("0"),
            ha="center",
            va="center",
            fontsize=6.5,
            color="white" if value > 0.85 else INK,
            weight="bold" if bold is not None and bold[row, column] else "normal",
        )


def severity_curves(ladder: Mapping[str, list[Mapping[str, float]]]) -> Figure:
    """Accuracy, mean confidence and mean reliability as each corruption gets worse."""
    columns = 6
    rows = -(-len(ladder) // columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(2 * columns, 1.7 * rows), sharex=True, sharey=True)
    lines = (("accuracy", INK, "-"), ("confidence", WARN, "--"), ("reliability", ACCENT, "-"))
    for axes, (name, steps) in zip(grid.flat, ladder.items(), strict=False):
        for key, colour, style in lines:
            axes.plot([s["severity"] for s in steps], [s[key] for s in steps], style, color=colour, label=key)
        axes.set_title(name, fontsize=9)
        axes.set_ylim(0, 1.02)
    for axes in list(grid.flat)[len(ladder) :]:
        axes.set_visible(False)
    figure.supxlabel("severity")
    figure.legend(*grid.flat[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    figure.tight_layout(rect=(0, 0, 1, 0.96))
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
