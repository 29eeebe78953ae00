"""One picture that says what REASON is for: a confident mistake of the classifier that its detector sent to review."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from reason.base.extraction import CACHE
from reason.bundle.reading import load
from reason.data.images import to_picture
from reason.data.labels import CLEAN
from reason.detector.detector import Detector
from reason.errors import ReasonError
from reason.evaluation import plots, splits
from reason.evaluation.output import PLOTS
from reason.evaluation.splits import EvaluationProtocol

MOST_PIXELS = 16_000_000
"""Pixels of all test images that are looked through together; more would only take longer."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A wrong prediction that was confident, and was not accepted."""

    picture: Image.Image
    """What the classifier saw."""
    predicted: str
    truth: str
    confidence: float
    """In [0, 1]."""
    reliability: float
    """In [0, 1], below the threshold."""
    corruption: str
    """Name of the corruption, or ``clean``."""
    severity: float
    """In [0, 1]."""


def run(folder: Path, data_root: Path, output: Path | None = None, seed: int = 0) -> tuple[Snapshot, Path]:
    """Find a snapshot among a bundle's test images and draw it.

    Args:
        folder: the bundle.
        data_root: folder that holds the data set.
        output: PNG to write; ``eval_plots/<bundle name>/snapshot.png`` by default.
        seed: which test images are looked through.

    Raises:
        BundleError: the bundle cannot be read, or does not say which data set it is about.
        DatasetError: the data set is missing.
        ReasonError: none of the images is wrong and was sent to review.
    """
    detector = load(folder)
    found = find(detector, data_root, seed)
    target = output or PLOTS / detector.name / "snapshot.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(plots.STYLE):
        draw(found, detector.threshold).savefig(target, bbox_inches="tight")
    return found, target


def find(detector: Detector, data_root: Path, seed: int) -> Snapshot:
    """Return the mistake with the largest gap between confidence and reliability, among those sent to review."""
    protocol = EvaluationProtocol.of(detector)
    test = splits.read_test(protocol, detector, data_root)
    count = min(len(test), MOST_PIXELS // test.pixels[0].numel())
    rows = np.random.default_rng(seed).permutation(len(test))[:count]
    images = list(splits.own_splits(protocol, test.take(torch.from_numpy(rows))))[-1].images
    part = detector.extractor(CACHE)(images, "test")
    confidence = part.evidence.logits.softmax(dim=1).amax(dim=1)
    reliability = detector.judge(part.evidence).reliability
    caught = ~part.correct & (reliability < detector.threshold)
    if not caught.any():
        raise ReasonError(f"{detector.name}: none of {count} test images is wrong and was sent to review; try a seed.")
    row = int((confidence - reliability).masked_fill(~caught, -torch.inf).argmax())
    return Snapshot(
        picture=to_picture(images.pixels[row]),
        predicted=detector.classes[int(part.evidence.predicted[row])],
        truth=detector.classes[int(part.labels[row])],
        confidence=float(confidence[row]),
        reliability=float(reliability[row]),
        corruption=images.corruptions[row] if images.corruptions else CLEAN,
        severity=0.0 if images.severities is None else float(images.severities[row]),
    )


def draw(snapshot: Snapshot, threshold: float) -> Figure:
    """Draw the picture with what was said of it."""
    figure = Figure(figsize=(3.6, 4.4))
    axes = figure.subplots()
    axes.imshow(snapshot.picture, cmap="gray", vmin=0, vmax=255)
    axes.axis("off")
    axes.set_title(f"says {snapshot.predicted}, is {snapshot.truth}")
    corruption = "" if snapshot.corruption == CLEAN else f"{snapshot.corruption}, severity {snapshot.severity:.2f}\n"
    axes.text(
        0,
        -0.03,
        f"{corruption}confidence {snapshot.confidence:.3f}\n"
        f"reliability {snapshot.reliability:.3f}, below {threshold:.3f}: review",
        transform=axes.transAxes,
        va="top",
    )
    return figure
