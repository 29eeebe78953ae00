"""The figures of an evaluation, one function a figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from matplotlib import pyplot

from reason.detector.detector import Detector
from reason.detector.latent import latent_of
from reason.evaluation.comparison import ScoredSplit
from reason.evaluation.plots.classifier import confusion, latent, training
from reason.evaluation.plots.curves import histogram, precision_recall, reliability_diagram, roc, selective_risk
from reason.evaluation.plots.families import importance
from reason.evaluation.plots.pictures import mistakes, most_overconfident
from reason.evaluation.plots.severity import heatmap, severity_curves, severity_heatmaps
from reason.evaluation.plots.style import STYLE

__all__ = [
    "SHOWN",
    "STYLE",
    "confusion",
    "draw_all",
    "heatmap",
    "histogram",
    "importance",
    "latent",
    "mistakes",
    "most_overconfident",
    "precision_recall",
    "reliability_diagram",
    "roc",
    "selective_risk",
    "severity_curves",
    "severity_heatmaps",
    "training",
]

SHOWN = ("REASON", "MSP", "energy", "kNN", "Mahalanobis")
"""Scores that the curves show; the heatmap and ``metrics.json`` hold all."""


def draw_all(
    detector: Detector,
    clean: ScoredSplit,
    home: ScoredSplit,
    report: Mapping[str, Any],
    folder: Path,
    pixels: torch.Tensor | None = None,
) -> None:
    """Write every figure as a PNG into ``folder``.

    Args:
        detector: who judged.
        clean: the clean split.
        home: the split whose images are like those that the bundle is made for.
        report: what ``metrics.json`` says; without ``importance``, that figure is left out.
        folder: where the figures go.
        pixels: images of ``home``, uint8 ``[n, channels, size, size]``; without them, no picture is shown.
    """
    correct, reliability, scores = home.correct, home.reliability, home.scores
    shown = {name: scores[name] for name in SHOWN if name in scores}
    with pyplot.rc_context(STYLE):
        figures = {
            "roc": roc(shown, correct),
            "precision_recall": precision_recall(shown, correct),
            "risk_coverage": selective_risk(shown, correct),
            "reliability_diagram": reliability_diagram(
                {"reliability": reliability, "softmax confidence": scores["MSP"]}, correct
            ),
            "reliability_by_outcome": histogram("Reliability", reliability, correct, detector.threshold),
            "confidence_by_outcome": histogram("Softmax confidence", scores["MSP"], correct, None),
            "confusion": confusion(clean.images, detector.classes),
            "auroc_by_corruption": heatmap(report["by_type"]),
            "severity": severity_curves(report["severity_sweep"]),
            "auroc_by_severity": severity_heatmaps(report["severity_sweep"]),
        }
        if report.get("importance"):
            figures["importance"] = importance(report["importance"])
        if report["training"]:
            figures["training"] = training(report["training"])
        if detector.latent_map is not None:
            places = detector.latent_map.place(latent_of(home.images.evidence, detector.signals.read_taps)).numpy()
            figures["latent_map"] = latent(places, 1 - reliability, correct)
        if pixels is not None:
            figures["mistakes"] = mistakes(home, pixels, detector.classes, detector.threshold)
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.png", bbox_inches="tight")
            pyplot.close(figure)
