"""What becomes of images as they are corrupted: by corruption, and by severity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reason.data.labels import CLEAN
from reason.evaluation.plots.style import ACCENT, INK, WARN, titled_axes


def heatmap(by_type: Mapping[str, Mapping[str, Any]]) -> Figure:
    """AUROC of every score on every corruption; those that a fit saw are marked."""
    types, names = list(by_type), list(next(iter(by_type.values()))["auroc"])
    values = np.array([[by_type[type_]["auroc"][name] for type_ in types] for name in names], dtype=np.float64)
    figure, axes = titled_axes("AUROC by corruption", "", "", size=(1.5 + 0.5 * len(types), 1 + 0.34 * len(names)))
    axes.imshow(values, cmap="Greens", vmin=0.5, vmax=1, aspect="auto")
    labels = [f"{type_} *" if by_type[type_]["kind"] == "seen" and type_ != CLEAN else type_ for type_ in types]
    axes.set_xticks(range(len(types)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("* seen by the fit")
    best = np.where(np.isnan(values), -np.inf, values).max(axis=0)
    _write_values(axes, values, bold=values == best)
    return figure


def severity_heatmaps(severity_sweep: Mapping[str, list[Mapping[str, float]]]) -> Figure:
    """AUROC of REASON and of MSP for each corruption at each severity; blank where all predictions are alike."""
    figure, grid = pyplot.subplots(1, 2, figsize=(7.5, 0.6 + 0.26 * len(severity_sweep)), sharey=True)
    steps = [f"{step['severity']:g}" for step in next(iter(severity_sweep.values()))]
    for axes, title, key in zip(grid, ("REASON", "MSP"), ("auroc", "auroc_msp"), strict=True):
        values = np.array([[step[key] for step in row] for row in severity_sweep.values()], dtype=np.float64)
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


def severity_curves(severity_sweep: Mapping[str, list[Mapping[str, float]]]) -> Figure:
    """Accuracy, mean confidence and mean reliability as each corruption gets worse."""
    columns = 6
    rows = -(-len(severity_sweep) // columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(2 * columns, 1.7 * rows), sharex=True, sharey=True)
    lines = (("accuracy", INK, "-"), ("confidence", WARN, "--"), ("reliability", ACCENT, "-"))
    for axes, (name, steps) in zip(grid.flat, severity_sweep.items(), strict=False):
        for key, colour, style in lines:
            axes.plot([s["severity"] for s in steps], [s[key] for s in steps], style, color=colour, label=key)
        axes.set_title(name, fontsize=9)
        axes.set_ylim(0, 1.02)
    for axes in list(grid.flat)[len(severity_sweep) :]:
        axes.set_visible(False)
    figure.supxlabel("severity")
    figure.legend(*grid.flat[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    figure.tight_layout(rect=(0, 0, 1, 0.96))
    return figure
