"""The figures that a bundle's card carries: its own test splits beside the scores that need no fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reason import progress
from reason.base.extraction import Extractor
from reason.detector.detector import Detector
from reason.evaluation import measures, splits
from reason.evaluation.baselines import make_parameter_free
from reason.evaluation.comparison import Comparison
from reason.evaluation.report import OWN
from reason.evaluation.splits import EvaluationProtocol


def measure(detector: Detector, extractor: Extractor, data_root: Path) -> dict[str, Any]:
    """Measure a detector on the clean test images and, where it is made for others, on the target distribution.

    Args:
        detector: made by a recipe.
        extractor: of its base classifier.
        data_root: folder that holds the data set.

    Returns:
        By name of the split, its ``SplitResult`` as plain JSON.

    Raises:
        BundleError: no recipe made the detector.
        DatasetError: the data set is missing.
    """
    protocol = EvaluationProtocol.of(detector)
    comparison = Comparison(detector, make_parameter_free())
    found = {}
    for split in splits.own_splits(protocol, splits.read_test(protocol, detector, data_root)):
        scored = comparison.score(extractor(split.images, f"test, {split.name}"), split.kind)
        result = measures.measure(scored, detector.threshold)
        found[split.name] = result.to_json()
        progress.say(
            f"test, {split.name}: accuracy {result.accuracy:.4f}, AUROC {result.scores[OWN].auroc:.4f} "
            f"(MSP {result.scores['MSP'].auroc:.4f}), ECE {result.reliability.ece_15:.4f}"
        )
    return found
