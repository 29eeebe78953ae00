"""The figures of an evaluation, one function a figure."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import torch
from matplotlib.figure import Figure

from reason.detector.detector import Detector
from reason.detector.latent import latent_of
from reason.evaluation.plots.classifier import confusion, latent, training
from reason.evaluation.plots.curves import histogram, precision_recall, reliability_diagram, roc, selective_risk
from reason.evaluation.plots.families import importance
from reason.evaluation.plots.pictures import mistakes, most_overconfident
from reason.evaluation.plots.severity import heatmap, severity_curves, severity_heatmaps
from reason.evaluation.plots.style import STYLE
from reason.evaluation.report import Report
from reason.evaluation.scored import ScoredSplit

__all__ = [
    "SHOWN",
    "STYLE",
    "confusion",
    "draw_predictions",
    "draw_report",
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


def draw_report(report: Report, folder: Path) -> None:
    """Write the figures that the report alone tells, as PNGs."""
    with matplotlib.rc_context(STYLE):
        _save("auroc_by_corruption", heatmap(report.by_type), folder)
        _save("severity", severity_curves(report.severity_sweep), folder)
        _save("auroc_by_severity", severity_heatmaps(report.severity_sweep), folder)
        if report.importance:
            _save("importance", importance(report.importance), folder)
        if report.training:
            _save("training", training(report.training), folder)


def draw_predictions(
    detector: Detector, clean: ScoredSplit, target: ScoredSplit, folder: Path, pixels: torch.Tensor | None = None
) -> None:
    """Write the figures of single predictions, as PNGs.

    Args:
        detector: whose predictions.
        clean: the clean split.
        target: the split whose images are like those that the bundle is made for.
        folder: where the figures go.
        pixels: images of ``target``, uint8 ``[n, channels, size, size]``; without them, no picture is shown.
    """
    correct, reliability, confidence = target.correct, target.reliability, target.scores["MSP"]
    shown = {name: target.scores[name] for name in SHOWN if name in target.scores}
    stated = {"reliability": reliability, "softmax confidence": confidence}
    with matplotlib.rc_context(STYLE):
        _save("roc", roc(shown, correct), folder)
        _save("precision_recall", precision_recall(shown, correct), folder)
        _save("risk_coverage", selective_risk(shown, correct), folder)
        _save("reliability_diagram", reliability_diagram(stated, correct), folder)
        _save("reliability_by_outcome", histogram("Reliability", reliability, correct, detector.threshold), folder)
        _save("confidence_by_outcome", histogram("Softmax confidence", confidence, correct, None), folder)
        _save("confusion", confusion(clean.images, detector.classes), folder)
        if detector.latent_map is not None:
            places = detector.latent_map.place(latent_of(target.images.evidence, detector.signals.read_taps)).numpy()
            _save("latent_map", latent(places, 1 - reliability, correct), folder)
        if pixels is not None:
            _save("mistakes", mistakes(target, pixels, detector.classes, detector.threshold), folder)


def _save(name: str, figure: Figure, folder: Path) -> None:
    figure.savefig(folder / f"{name}.png", bbox_inches="tight")
