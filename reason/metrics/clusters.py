"""The bootstrap where predictions come in clusters: copies of one image are right or wrong together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reason.errors import MetricError
from reason.metrics.ties import Counts, Values, checked

CELLS = 20_000_000
"""Weights that are looked at together, for memory."""


def cluster_weights(clusters: NDArray[np.integer], draws: int, seed: int) -> Counts:
    """Draw whole clusters with replacement, as many as there are (Davison & Hinkley 1997, section 3.8).

    Args:
        clusters: of each prediction, a number from 0 on ``[n]``.
        draws: number of resamples.
        seed: seed of the resamples.

    Returns:
        How often each cluster is drawn ``[draws, clusters]``; that of a prediction is the column of its cluster.
    """
    random, count = np.random.default_rng(seed), int(clusters.max()) + 1
    return np.stack([np.bincount(random.integers(0, count, count), minlength=count) for _ in range(draws)])


def weighted_auroc(scores: ArrayLike, correct: ArrayLike, weights: NDArray[np.integer]) -> Values:
    """Return the AUROC of each resample ``[draws]``; NaN where one outcome is missing.

    Args:
        scores: ``[n]``, larger = more trustworthy.
        correct: bool ``[n]``.
        weights: how often each prediction counts ``[draws, n]``.

    Raises:
        MetricError: there are no predictions, the lengths differ, an outcome is not bool, or a score is NaN.
    """
    values, outcomes = checked(scores, correct)
    if weights.ndim != 2 or weights.shape[1] != len(values):
        raise MetricError(f"weights must be [draws, {len(values)}], not {list(weights.shape)}.")
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    rows = max(1, CELLS // len(values))
    parts = [weights[start : start + rows, order] for start in range(0, len(weights), rows)]
    return np.concatenate([_auroc(part, outcomes[order], starts) for part in parts])


def _auroc(weights: NDArray[np.integer], correct: NDArray[np.bool_], starts: NDArray[np.intp]) -> Values:
    right, wrong = weights * correct, weights * ~correct
    if len(starts) < len(correct):
        right, wrong = (np.add.reduceat(counts, starts, axis=1) for counts in (right, wrong))
    rights, wrongs = right.sum(axis=1), wrong.sum(axis=1)
    below = wrongs[:, None] - np.cumsum(wrong, axis=1)
    won = (right * (below + wrong / 2)).sum(axis=1)
    pairs = (rights * wrongs).astype(np.float64)
    areas: Values = np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return areas
