"""What each signal family is worth to the MetaNet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from reason.evaluation.plots.style import ACCENT, INK, QUIET, WARN
from reason.evaluation.report import ImportanceResult

MEANINGS = {"it helps": ACCENT, "it harms": WARN, "interval holds zero": QUIET}
"""Colour of a bar by what its interval says of the family."""


def importance(families: Mapping[str, Mapping[str, ImportanceResult]]) -> Figure:
    """Change of AUROC when a signal family is left out and the MetaNet fitted anew, with 95% intervals.

    Args:
        families: by signal family and split, what leaving the family out costs.
    """
    # The most helpful of the first split on top.
    first, *_ = splits = list(next(iter(families.values())))
    names = sorted(families, key=lambda name: families[name][first].auroc_drop)
    rows = np.arange(len(names))
    size = (1.6 + 2.7 * len(splits), 1.3 + 0.36 * len(names))
    figure = Figure(figsize=size)
    grid = figure.subplots(1, len(splits), sharex=True, sharey=True, squeeze=False)
    for axes, split in zip(grid.flat, splits, strict=True):
        change = -np.array([families[name][split].auroc_drop for name in names], dtype=np.float64)
        ends = -np.array([families[name][split].interval_95[::-1] for name in names], dtype=np.float64)
        colours = [MEANINGS[_meaning(low, high)] for low, high in ends]
        axes.barh(rows, change, height=0.6, color=colours, alpha=0.6)
        # From the middle of the interval: the estimate need not lie inside.
        half = (ends[:, 1] - ends[:, 0]) / 2
        axes.errorbar(ends.mean(axis=1), rows, xerr=half, fmt="none", ecolor=INK, elinewidth=1, capsize=3)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_title(split)
        axes.set_yticks(rows, names)
        axes.xaxis.set_major_locator(MaxNLocator(4))
    figure.tight_layout()
    label = "change of AUROC when the family is left out, with 95% interval"
    figure.supxlabel(label, y=0, va="top", fontsize="medium", color=INK)
    handles = [Patch(color=colour, alpha=0.6, label=meaning) for meaning, colour in MEANINGS.items()]
    figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.25 / size[1]), ncols=3)
    return figure


def _meaning(low: float, high: float) -> str:
    """Say what an interval of the change tells: a change below zero is a family that was needed."""
    return "it helps" if high < 0 else "it harms" if low > 0 else "interval holds zero"
