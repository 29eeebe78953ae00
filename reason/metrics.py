"""How well a confidence score tells correct predictions from wrong ones, and how honest a probability is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

Scores = NDArray[np.floating]
Outcomes = NDArray[np.bool_]


def auroc(scores: Scores, correct: Outcomes) -> float:
    """Return the chance that a correct prediction outranks a wrong one, ties counting half, in [0, 1].

    Taking failures as positive and the negated score gives the same number (AUROC_f).
    """
    return float(roc_auc_score(correct, np.asarray(scores, dtype=np.float64)))


def ap_success(scores: Scores, correct: Outcomes) -> float:
    """Return the average precision with correct predictions as positives, in [0, 1]; larger is better."""
    return float(average_precision_score(correct, np.asarray(scores, dtype=np.float64)))


def ap_error(scores: Scores, correct: Outcomes) -> float:
    """Return the average precision of the negated score with wrong predictions as positives, in [0, 1]."""
    return float(average_precision_score(~correct, -np.asarray(scores, dtype=np.float64)))


def ece(probabilities: Scores, correct: Outcomes, bins: int = 15) -> float:
    """Return the expected calibration error over equal-mass bins, in [0, 1]; smaller is better.

    Images are sorted by probability and cut into ``bins`` runs of (almost) equal length; the error is the mean,
    weighted by length, of the absolute difference between mean probability and accuracy (Nixon et al. 2019).
    """
    order = np.argsort(probabilities, kind="stable")
    p, c = np.asarray(probabilities, dtype=np.float64)[order], correct[order].astype(np.float64)
    parts = zip(np.array_split(p, bins), np.array_split(c, bins), strict=True)
    return sum(abs(float(part.sum() - hits.sum())) for part, hits in parts) / len(p)


def brier(probabilities: Scores, correct: Outcomes) -> float:
    """Return the mean squared difference between probability and outcome, in [0, 1]; smaller is better."""
    return float(np.mean((np.asarray(probabilities, dtype=np.float64) - correct) ** 2))


def risk_coverage(scores: Scores, correct: Outcomes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coverage and selective risk when images are accepted from the highest score down.

    Images of equal score are accepted together, so the result does not depend on their order.

    Returns:
        ``(coverage, risk)``, one point a distinct score, coverage rising to 1.
    """
    scores = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    last_of_group = np.append(np.diff(scores[order]) != 0, True)
    accepted = np.arange(1, len(order) + 1)[last_of_group]
    errors = np.cumsum(~correct[order])[last_of_group]
    return accepted / len(order), errors / accepted


def paired_bootstrap(
    first: Scores, second: Scores, correct: Outcomes, *, draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95% interval of ``auroc(first) - auroc(second)`` over resampled images.

    Both scores see the same resamples, so what they share cancels. Percentile interval (Efron & Tibshirani 1993).
    """
    random = np.random.default_rng(seed)
    differences: list[float] = []
    while len(differences) < draws:
        rows = random.integers(0, len(correct), len(correct))
        if correct[rows].any() and not correct[rows].all():
            differences.append(auroc(first[rows], correct[rows]) - auroc(second[rows], correct[rows]))
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)
