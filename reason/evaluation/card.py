"""The figures that a bundle's card keeps: its own score beside those that need no fitting, on the test images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reason import progress
from reason.base.extraction import Extractor
from reason.detector.detector import Detector
from reason.evaluation import splits
from reason.evaluation.baselines import PARAMETER_FREE
from reason.evaluation.comparison import Comparison
from reason.evaluation.splits import EvaluationProtocol


def measure(detector: Detector, extract: Extractor, data_root: Path) -> dict[str, Any]:
    """Return what is measured on the clean test images and on those of the target distribution, by split.

    Args:
        detector: made by a recipe.
        extract: its extractor.
        data_root: folder that holds its data set.

    Raises:
        BundleError: no recipe made the detector.
        DatasetError: the data set is missing.
    """
    comparison = Comparison(detector, PARAMETER_FREE)
    numbers: dict[str, Any] = {}
    protocol = EvaluationProtocol.of(detector)
    for part in splits.own_splits(protocol, splits.read_test(protocol, detector, data_root)):
        test = extract(part.images, f"test, {part.name}")
        numbers[part.name] = row = comparison.measure(comparison.judge(test))
        progress.say(
            f"test, {part.name}: accuracy {row['accuracy']:.4f}, AUROC {row['scores']['REASON']['auroc']:.4f} "
            f"(MSP {row['scores']['MSP']['auroc']:.4f}), ECE {row['reliability']['ece_15']:.4f}"
        )
    return numbers
