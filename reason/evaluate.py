"""Judge a bundle on test images that nothing was chosen on: numbers, then figures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from reason import bundle, datasets, metrics, plots, progress, splits
from reason.corruptions import CORRUPTIONS
from reason.datasets import CLEAN, ImageSet
from reason.detector import Detector
from reason.errors import BundleError
from reason.fit import Labelled, extract, join
from reason.judge import Judge, Judged, by_type
from reason.report import markdown
from reason.splits import Protocol

PLOTS = Path("eval_plots")
"""Folder that figures and numbers go to, one subfolder a bundle."""


def run(folder: Path, data_root: Path, output: Path | None = None) -> dict[str, Any]:
    """Evaluate a bundle on its data set's test images; write ``metrics.json``, ``report.md`` and the figures.

    Args:
        folder: the bundle.
        data_root: folder that holds the data sets.
        output: folder for the results; ``eval_plots/<bundle name>`` by default.

    Returns:
        What ``metrics.json`` says.

    Raises:
        BundleError: the bundle cannot be read, or does not say which data set it is about.
        DatasetError: a data set is missing.
    """
    detector = bundle.load(folder)
    protocol = Protocol.of(detector)
    test = splits.read_test(protocol, detector, data_root)
    judge = Judge.fit(detector, *_fitting_evidence(detector, protocol, data_root))
    judged: dict[str, tuple[str, Judged]] = {}
    for split in splits.main_splits(protocol, test, detector, data_root):
        part = extracted(detector, split.images, split.name)
        together = join([judged[CLEAN][1].images, part]) if split.kind == "outside" else part
        judged[split.name] = (split.kind, judge.judge(together))
    home = splits.HOME if splits.HOME in judged else CLEAN
    measured = {
        "bundle": detector.name,
        "home": home,
        "seen": list(protocol.seen),
        "unseen": list(protocol.unseen),
        "splits": {name: {"kind": kind, **judge.measure(part)} for name, (kind, part) in judged.items()},
        "by_type": {
            name: row
            for kind, part in judged.values()
            if kind != "outside"
            for name, row in by_type(part, kind).items()
        },
        "ladder": _ladder(judge, test),
        "training": detector.card.get("history", []),
    }
    target = output or PLOTS / detector.name
    target.mkdir(parents=True, exist_ok=True)
    plots.draw_all(detector, judged[CLEAN][1], judged[home][1], measured, target)
    report: dict[str, Any] = _without_nan(measured)
    (target / "metrics.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (target / "report.md").write_text(markdown(report), encoding="utf-8")
    return report


def _without_nan(value: Any) -> Any:
    """Put ``None`` for numbers that are undefined, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def extracted(detector: Detector, images: ImageSet, title: str, *, gradient: bool | None = None) -> Labelled:
    """Run the base classifier over a set of images, with a progress bar.

    Args:
        detector: whose base classifier.
        images: the set.
        title: what the bar calls it.
        gradient: whether to measure the input gradient; as the detector's signals need by default.
    """
    wanted = detector.signals.needs_gradient if gradient is None else gradient
    with progress.bar(f"evidence of {title}") as bar:
        return extract(detector.base, detector.preprocessing, images, gradient=wanted, progress=bar.over)


def _fitting_evidence(detector: Detector, protocol: Protocol, data_root: Path) -> tuple[Labelled, Labelled]:
    """Return the base-train and clean meta-fit evidence that the bundle itself was fitted on.

    Raises:
        BundleError: the train images are not those that the card tells of.
    """
    images = datasets.read(protocol.dataset, data_root, "train", detector.preprocessing)
    card = detector.card
    if images.fingerprint() != card["split"]["data_sha256"]:
        raise BundleError(f"{detector.name}: the train images in {data_root} are not those it was fitted on.")
    shares = (card["recipe"]["data"]["base_share"], card["recipe"]["data"]["meta_share"])
    train, meta, _ = (images.take(rows) for rows in datasets.split(images.labels, shares, card["split"]["seed"]))
    return (
        extracted(detector, train, "base-train", gradient=False),
        extracted(detector, meta, "meta-fit", gradient=False),
    )


def _ladder(judge: Judge, test: ImageSet) -> dict[str, list[dict[str, float]]]:
    """Return what happens to the same images as each corruption gets worse."""
    steps: dict[str, list[dict[str, float]]] = {name: [] for name in CORRUPTIONS}
    for name, severity, images in splits.ladder(test):
        part = extracted(judge.detector, images, f"{name} at severity {severity}")
        judgement = judge.detector.judge(part.evidence)
        confidence = part.evidence.logits.softmax(dim=1).amax(dim=1)
        steps[name].append(
            {
                "severity": severity,
                "n": len(part),
                "accuracy": part.correct.float().mean().item(),
                "confidence": confidence.mean().item(),
                "reliability": judgement.reliability.mean().item(),
                "auroc": metrics.auroc(judgement.logits.double().numpy(), part.correct.numpy()),
                "auroc_msp": metrics.auroc(confidence.double().numpy(), part.correct.numpy()),
            }
        )
    return steps
