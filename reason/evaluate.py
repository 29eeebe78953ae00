"""Judge a bundle on test images that nothing was chosen on: numbers, then figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reason import bundle, datasets, metrics, plots, progress
from reason.baselines import BASELINES
from reason.detector import Detector
from reason.errors import BundleError
from reason.fit import Labelled, extract

PLOTS = Path("eval_plots")
"""Folder that figures and numbers go to, one subfolder a bundle."""


def run(folder: Path, data_root: Path, output: Path | None = None) -> dict[str, Any]:
    """Evaluate a bundle on its data set's test split; write ``metrics.json`` and the figures.

    Args:
        folder: the bundle.
        data_root: folder that holds the data set.
        output: folder for the results; ``eval_plots/<bundle name>`` by default.

    Returns:
        What ``metrics.json`` says.

    Raises:
        BundleError: the bundle cannot be read, or does not say which data set it is about.
        DatasetError: the data set is missing.
    """
    detector = bundle.load(folder)
    test = test_evidence(detector, data_root)
    report = {"bundle": detector.name, "clean": measure(detector, test)}
    target = output or PLOTS / detector.name
    target.mkdir(parents=True, exist_ok=True)
    plots.draw_all(detector, test, scores_of(detector, test), target)
    (target / "metrics.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def test_evidence(detector: Detector, data_root: Path) -> Labelled:
    """Run the base classifier over the test split of the data set that the detector was made for.

    Raises:
        BundleError: the bundle does not say which data set it is about.
        DatasetError: the data set is missing.
    """
    name = detector.card.get("recipe", {}).get("data", {}).get("dataset")
    if name not in datasets.READERS:
        raise BundleError(f"{detector.name}: its card names no data set that REASON reads, so it cannot be evaluated.")
    with progress.bar("decode test images") as bar:
        images = datasets.READERS[name](data_root, "test", detector.preprocessing, progress=bar.over)
    for sentence in images.skipped:
        progress.say(f"left out: {sentence}")
    gradient = detector.signals.needs_gradient
    with progress.bar("evidence of test") as bar:
        return extract(detector.base, detector.preprocessing, images, gradient=gradient, progress=bar.over)


def scores_of(detector: Detector, test: Labelled) -> dict[str, NDArray[np.float64]]:
    """Return REASON's score and every baseline's, each ``[n]``, larger = more trustworthy."""
    # The MetaNet's logit orders as the reliability does, and does not saturate.
    learned = {"REASON": detector.judge(test.evidence).logits.double().numpy()}
    return learned | {name: score(test.evidence).numpy() for name, score in BASELINES.items()}


def measure(detector: Detector, test: Labelled) -> dict[str, Any]:
    """Return the numbers of one test split, as plain JSON."""
    correct = test.correct.numpy()
    reliability = detector.judge(test.evidence).reliability.double().numpy()
    scores = scores_of(detector, test)
    accepted = reliability >= detector.threshold
    return {
        "n": len(correct),
        "accuracy": float(correct.mean()),
        "scores": {name: _ranking(score, correct) for name, score in scores.items()},
        "auroc_difference_95": {
            name: metrics.paired_bootstrap(scores["REASON"], scores[name], correct) for name in BASELINES
        },
        "reliability": _honesty(reliability, correct),
        "confidence": _honesty(scores["MSP"], correct),
        "threshold": {
            "value": detector.threshold,
            "coverage": float(accepted.mean()),
            "selective_risk": float((~correct[accepted]).mean()) if accepted.any() else None,
        },
    }


def _ranking(score: NDArray[np.float64], correct: NDArray[np.bool_]) -> dict[str, float]:
    return {
        "auroc": metrics.auroc(score, correct),
        "ap_success": metrics.ap_success(score, correct),
        "ap_error": metrics.ap_error(score, correct),
    }


def _honesty(probability: NDArray[np.float64], correct: NDArray[np.bool_]) -> dict[str, float]:
    return {"ece_15": metrics.ece(probability, correct), "brier": metrics.brier(probability, correct)}
