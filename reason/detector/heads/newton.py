"""Penalised logistic regression by Newton's method, a penalty for each column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEPS, SMALL_STEP, HALVINGS = 100, 1e-10, 40
"""Newton's steps at most, the gain in nats a row that ends them, and how often a step that gains nothing is halved."""

RIDGE = 1e-3
"""Penalty of the anchor's slope: so small that it only keeps the slope finite where the anchor separates all rows."""

Floats = NDArray[np.float64]


def minimise(columns: Floats, correct: NDArray[np.bool_], penalties: Floats) -> Floats:
    """Return bias and weights ``[1 + columns]`` of a penalised logistic regression, by Newton's method.

    Args:
        columns: ``[n, columns]``.
        correct: ``[n]``.
        penalties: of each column's squared weight ``[columns]``, above 0; the bias has none.
    """
    design = np.column_stack([np.ones(len(columns)), columns])
    penalty: Floats = np.concatenate([np.zeros(1), penalties])
    share = correct.mean()
    weights: Floats = np.zeros(design.shape[1])
    weights[0] = np.log(share / (1 - share))
    loss = _loss(design, correct, penalty, weights)
    for _ in range(STEPS):
        step = _newton(design, correct, penalty, weights)
        for _ in range(HALVINGS):
            lower = _loss(design, correct, penalty, weights - step)
            if lower <= loss:
                break
            step /= 2
        else:
            break
        weights -= step
        gain, loss = loss - lower, lower
        if gain <= SMALL_STEP * len(design):
            break
    return weights


def _newton(design: Floats, correct: NDArray[np.bool_], penalty: Floats, weights: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
    slope = design.T @ (chance - correct) + penalty * weights
    curvature = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(penalty)
    curvature[np.diag_indices_from(curvature)] += 1e-12 * len(design)
    return np.asarray(np.linalg.solve(curvature, slope), dtype=np.float64)


def _loss(design: Floats, correct: NDArray[np.bool_], penalty: Floats, weights: Floats) -> float:
    logits = design @ weights
    return float(np.logaddexp(0, np.where(correct, -logits, logits)).sum() + (penalty * weights**2).sum() / 2)
