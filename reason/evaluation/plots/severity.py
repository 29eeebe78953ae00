"""What becomes of images as they are corrupted: by corruption, and by severity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reason.data.labels import CLEAN
from reason.evaluation.plots.style import ACCENT, INK, WARN, titled_axes
from reason.evaluation.report import OWN, CorruptionResult, SeverityStep


def heatmap(by_type: Mapping[str, CorruptionResult]) -> Figure:
    """AUROC of every score on every corruption; those that a fit saw are marked."""
    types, names = list(by_type), list(next(iter(by_type.values())).auroc)
    values = np.array([[row.auroc[name] for row in by_type.values()] for name in names], dtype=np.float64)
    figure, axes = titled_axes("AUROC by corruption", "", "", size=(1.5 + 0.5 * len(types), 1 + 0.34 * len(names)))
    axes.imshow(values, cmap="Greens", vmin=0.5, vmax=1, aspect="auto")
    labels = [f"{name} *" if row.kind == "seen" and name != CLEAN else name for name, row in by_type.items()]
    axes.set_xticks(range(len(types)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("* seen by the fit")
    best = np.where(np.isnan(values), -np.inf, values).max(axis=0)
    _write_values(axes, values, bold=values == best)
    return figure


def severity_heatmaps(severity_sweep: Mapping[str, Sequence[SeverityStep]]) -> Figure:
    """AUROC of REASON and of MSP for each corruption at each severity; blank where all predictions are alike."""
    figure = Figure(figsize=(7.5, 0.6 + 0.26 * len(severity_sweep)))
    left, right = figure.subplots(1, 2, sharey=True)
    steps = [f"{step.severity:g}" for step in next(iter(severity_sweep.values()))]
    rows = severity_sweep.values()
    for axes, title, auroc in (
        (left, OWN, [[step.auroc for step in row] for row in rows]),
        (right, "MSP", [[step.auroc_msp for step in row] for row in rows]),
    ):
        values = np.array(auroc, dtype=np.float64)
        axes.imshow(values, cmap="Greens", vmin=0.5, vmax=1, aspect="auto")
        axes.set(title=f"AUROC of {title}", xlabel="severity")
        axes.set_xticks(range(len(steps)), steps)
        axes.set_yticks(range(len(severity_sweep)), list(severity_sweep))
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


def severity_curves(severity_sweep: Mapping[str, Sequence[SeverityStep]]) -> Figure:
    """Accuracy, mean confidence and mean reliability as each corruption gets worse."""
    columns = 6
    rows = -(-len(severity_sweep) // columns)
    figure = Figure(figsize=(2 * columns, 1.7 * rows))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (name, steps) in zip(grid.flat, severity_sweep.items(), strict=False):
        severities = [step.severity for step in steps]
        for label, values, colour, style in (
            ("accuracy", [step.accuracy for step in steps], INK, "-"),
            ("confidence", [step.confidence for step in steps], WARN, "--"),
            ("reliability", [step.reliability for step in steps], ACCENT, "-"),
        ):
            axes.plot(severities, values, style, color=colour, label=label)
        axes.set_title(name, fontsize=9)
        axes.set_ylim(0, 1.02)
    for axes in list(grid.flat)[len(severity_sweep) :]:
        axes.set_visible(False)
    figure.supxlabel("severity")
    figure.legend(*grid.flat[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    figure.tight_layout(rect=(0, 0, 1, 0.96))
    return figure
