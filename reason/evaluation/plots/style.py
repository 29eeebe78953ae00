"""How all figures look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

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

Curves = Mapping[str, NDArray[np.float64]]
"""By name in the legend, what is drawn of each prediction ``[n]``."""


def titled_axes(title: str, x: str, y: str, size: tuple[float, float] = (5.2, 4.2)) -> tuple[Figure, Axes]:
    """Return a figure of one panel."""
    # A figure of its own, not one of pyplot's: nothing keeps it open, and no backend is chosen for the whole process.
    figure = Figure(figsize=size)
    axes = figure.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes
