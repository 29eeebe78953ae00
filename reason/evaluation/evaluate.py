"""Measure a bundle on test images that nothing was fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from reason import progress
from reason.base.evidence import join
from reason.base.extraction import CACHE
from reason.bundle.reading import load
from reason.data.labels import CLEAN
from reason.detector.detector import Detector
from reason.detector.heads import MetaNet
from reason.errors import BundleError
from reason.evaluation import material, splits
from reason.evaluation.baselines import ConfidenceScore
from reason.evaluation.comparison import Comparison
from reason.evaluation.importance import importance
from reason.evaluation.measures import by_type, measure, severity_sweep
from reason.evaluation.report import Report
from reason.evaluation.scored import ScoredSplit
from reason.evaluation.splits import EvaluationProtocol

SEEDS = 3
"""MetaNets that are compared by default: the bundle's own, and others from further seeds."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, and the single predictions that figures are drawn of."""

    report: Report
    detector: Detector
    splits: Mapping[str, ScoredSplit]
    """By name, the clean one first."""
    pixels: torch.Tensor
    """Images of the split ``report.target``, uint8 ``[n, channels, size, size]``."""


def run(
    folder: Path,
    data_root: Path,
    seeds: int = SEEDS,
    more: Sequence[type[ConfidenceScore]] = (),
    engine: str = "auto",
    device: str = "cpu",
    data: object = None,
    bank: object = None,
    test: object = None,
) -> Evaluation:
    """Evaluate a bundle on its data set's test images.

    Args:
        folder: the bundle.
        data_root: folder that holds the data sets.
        seeds: number of MetaNets, each from its own seed, that are compared; the first is the bundle's own.
        more: scores to compare with besides those that are registered.
        engine: what runs the base classifier, see ``reason.load``; ``auto`` takes one in single precision.
        device: where PyTorch runs it.
        data: the labelled images that it was fitted to, where ``reason.fit`` made it.
        bank: the bank that it was fitted with, where one was given.
        test: labelled images to test on instead of those that the fit kept for it.

    Raises:
        BundleError: the bundle cannot be read, does not say which data set it is about, or was fitted to other data.
        DatasetError: a data set is missing.
        FitError: a score cannot be fitted, or one of ``more`` does not fit the bundle.
    """
    detector = load(folder, engine=engine, device=device, exact=True)
    protocol = EvaluationProtocol.of(detector)
    extractor = detector.extractor(CACHE)
    fitted = detector.provenance.fit
    if fitted is not None and data is None:
        raise BundleError(f"{detector.name}: was fitted to labelled images of your own; name them by --data.")
    if fitted is None and test is not None:
        raise BundleError(f"{detector.name}: its recipe names its test images; leave out test (--test).")
    if fitted is not None:
        found = material.of_fit(detector, fitted, extractor, data, bank, test)
    else:
        found = material.of_recipe(detector, protocol, extractor, data_root)
    test, meta = found.test, found.meta
    progress.say("fit the baselines, and the MetaNet from further seeds")
    replicates = seeds if isinstance(detector.head, MetaNet) else 1
    comparison = Comparison.fit(detector, found.train, meta, protocol.metanet, protocol.seed, replicates, more)
    scored: dict[str, ScoredSplit] = {}
    pixels = test.pixels
    for split in splits.main_splits(protocol, test, detector, data_root):
        part = extractor(split.images, split.name)
        together = join([scored[CLEAN].images, part]) if split.kind == "ood" else part
        scored[split.name] = comparison.score(together, split.kind)
        if split.name == splits.TARGET:
            pixels = split.images.pixels
    progress.say("measure, and leave out each signal family")
    report = Report(
        bundle=detector.name,
        engine=detector.engine.name,
        target=splits.TARGET if splits.TARGET in scored else CLEAN,
        seen=protocol.seen,
        unseen=protocol.unseen,
        splits={name: measure(part, detector.threshold) for name, part in scored.items()},
        importance=importance(detector.signals, protocol.metanet, meta, scored, protocol.seed),
        by_type=by_type(scored),
        severity_sweep=severity_sweep(scored),
        training=detector.provenance.history,
    )
    return Evaluation(report, detector, scored, pixels)
