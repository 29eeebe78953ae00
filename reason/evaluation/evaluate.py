"""Measure a bundle on test images that nothing was fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from reason import progress
from reason.base.evidence import Labelled, join
from reason.base.extraction import CACHE, Extractor
from reason.bundle.reading import load
from reason.data.labels import CLEAN
from reason.detector.detector import Detector
from reason.evaluation import splits
from reason.evaluation.baselines import ConfidenceScore
from reason.evaluation.comparison import Comparison
from reason.evaluation.importance import importance
from reason.evaluation.measures import by_type, measure, severity_sweep
from reason.evaluation.report import Report
from reason.evaluation.scored import ScoredSplit
from reason.evaluation.splits import EvaluationProtocol
from reason.fitting.fitting_data import gather_bank, gather_meta, read_parts

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
) -> Evaluation:
    """Evaluate a bundle on its data set's test images.

    Args:
        folder: the bundle.
        data_root: folder that holds the data sets.
        seeds: number of MetaNets, each from its own seed, that are compared; the first is the bundle's own.
        more: scores to compare with besides those that are registered.
        engine: what runs the base classifier, see ``reason.load``; ``auto`` takes one in single precision.
        device: where PyTorch runs it.

    Raises:
        BundleError: the bundle cannot be read, or does not say which data set it is about.
        DatasetError: a data set is missing.
        FitError: a score cannot be fitted, or one of ``more`` does not fit the bundle.
    """
    detector = load(folder, engine=engine, device=device, exact=True)
    protocol = EvaluationProtocol.of(detector)
    extractor = detector.extractor(CACHE)
    test = splits.read_test(protocol, detector, data_root)
    train, meta = _learned_from(detector, protocol, extractor, data_root)
    progress.say("fit the baselines, and the MetaNet from further seeds")
    comparison = Comparison.fit(detector, train, meta, protocol.metanet, protocol.seed, seeds, more)
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


def _learned_from(
    detector: Detector, protocol: EvaluationProtocol, extractor: Extractor, data_root: Path
) -> tuple[Labelled, Labelled]:
    """Return the base-train and the meta-fit evidence that the bundle was fitted on.

    Raises:
        BundleError: the train images are not those that the card tells of.
    """
    parts = read_parts(detector, data_root)
    meta = gather_meta(extractor, parts, protocol.meta_fit, protocol.target, protocol.seed)
    return gather_bank(extractor, parts), meta
