"""Comparison a bundle on test images that nothing was fitted on: numbers, then figures."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reason import progress
from reason.base.evidence import join
from reason.base.extraction import Extractor
from reason.bundle import bundle
from reason.data import datasets
from reason.data.corruptions import CORRUPTIONS
from reason.data.image_set import ImageSet
from reason.data.labels import CLEAN
from reason.detector.detector import Detector
from reason.errors import BundleError
from reason.evaluation import metrics, plots, splits
from reason.evaluation.comparison import Comparison, ScoredSplit, by_type
from reason.evaluation.importance import importance
from reason.evaluation.splits import EvaluationProtocol
from reason.evaluation.tables import markdown
from reason.fitting.fitting_data import FittingData, Parts, gather
from reason.structure import plain

PLOTS = Path("eval_plots")
"""Folder that figures and numbers go to, one subfolder a bundle."""

REPORTS = Path("docs") / "evaluation"
"""Folder that reports go to, one page a bundle."""

SEEDS = 3
"""MetaNets that are judged by default: the bundle's own, and others from further seeds."""


def run(folder: Path, data_root: Path, output: Path | None = None, seeds: int = SEEDS) -> dict[str, Any]:
    """Evaluate a bundle on its data set's test images; write the numbers, the figures and a report.

    Args:
        folder: the bundle.
        data_root: folder that holds the data sets.
        output: folder for all results; by default ``metrics.json`` and the figures go to ``eval_plots/<bundle name>``,
            the report to ``docs/evaluation/<bundle name>.md``.
        seeds: number of MetaNets, each from its own seed, that are judged; the first is the bundle's own.

    Returns:
        What ``metrics.json`` says.

    Raises:
        BundleError: the bundle cannot be read, or does not say which data set it is about.
        DatasetError: a data set is missing.
    """
    detector = bundle.load(folder)
    protocol = EvaluationProtocol.of(detector)
    extract = Extractor.of(detector)
    test = splits.read_test(protocol, detector, data_root)
    material = _material(detector, protocol, extract, data_root)
    settings = protocol.metanet
    progress.say("fit the baselines, and the MetaNet from further seeds")
    judge = Comparison.fit(detector, material, settings, protocol.seed, seeds)
    judged: dict[str, tuple[str, ScoredSplit]] = {}
    pixels = test.pixels
    for split in splits.main_splits(protocol, test, detector, data_root):
        part = extract(split.images, split.name)
        together = join([judged[CLEAN][1].images, part]) if split.kind == "outside" else part
        judged[split.name] = (split.kind, judge.judge(together))
        if split.name == splits.HOME:
            pixels = split.images.pixels
    home = splits.HOME if splits.HOME in judged else CLEAN
    progress.say("measure, and leave out each signal family")
    measured = {
        "bundle": detector.name,
        "home": home,
        "seen": list(protocol.seen),
        "unseen": list(protocol.unseen),
        "splits": {name: {"kind": kind, **judge.measure(part)} for name, (kind, part) in judged.items()},
        "importance": importance(
            detector.signals, settings, material.meta, {name: part for name, (_, part) in judged.items()}, protocol.seed
        ),
        "by_type": _by_type(judged),
        "severity_sweep": _severity_sweep(judge, extract, test),
        "training": plain(detector.provenance.history),
    }
    target = output or PLOTS / detector.name
    target.mkdir(parents=True, exist_ok=True)
    plots.draw_all(detector, judged[CLEAN][1], judged[home][1], measured, target, pixels)
    report: dict[str, Any] = _without_nan(measured)
    (target / "metrics.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    page = output / "report.md" if output else REPORTS / f"{detector.name}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(markdown(report, os.path.relpath(target, page.parent)), encoding="utf-8")
    return report


def _by_type(judged: Mapping[str, tuple[str, ScoredSplit]]) -> dict[str, dict[str, Any]]:
    """Return a row for each corruption, of the first split that has it."""
    rows: dict[str, dict[str, Any]] = {}
    for kind, part in judged.values():
        if kind != "outside" and part.images.corruptions:
            rows |= {name: row for name, row in by_type(part, kind).items() if name not in rows}
    return rows


def _without_nan(value: Any) -> Any:
    """Put ``None`` for numbers that are undefined, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _material(detector: Detector, protocol: EvaluationProtocol, extract: Extractor, data_root: Path) -> FittingData:
    """Return the evidence that the bundle itself was fitted on.

    Raises:
        BundleError: the train images are not those that the card tells of.
    """
    images = datasets.read(protocol.dataset, data_root, "train", detector.preprocessing)
    if images.fingerprint() != protocol.train_sha256:
        raise BundleError(f"{detector.name}: the train images in {data_root} are not those it was fitted on.")
    parts = Parts.split(images, protocol.shares, protocol.seed)
    return gather(extract, parts, protocol.meta_fit, protocol.target, protocol.seed)


def _severity_sweep(judge: Comparison, extract: Extractor, test: ImageSet) -> dict[str, list[dict[str, float]]]:
    """Return what happens to the same images as each corruption gets worse."""
    steps: dict[str, list[dict[str, float]]] = {name: [] for name in CORRUPTIONS}
    for name, severity, images in splits.severity_sweep(test):
        part = extract(images, f"{name} at severity {severity}")
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
