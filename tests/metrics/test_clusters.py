"""The bootstrap over clusters, against predictions that are really repeated."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from reason.errors import MetricError
from reason.metrics import clusters
from reason.metrics.clusters import cluster_weights, weighted_auroc


def test_clusters_are_drawn_whole_and_as_many_as_there_are() -> None:
    drawn = cluster_weights(np.array([0, 0, 1, 2, 2, 2]), draws=400, seed=0)
    assert drawn.shape == (400, 3)
    assert (drawn.sum(axis=1) == 3).all()
    # Of three draws from three, a cluster is drawn once in the mean, with variance 3 * 1/3 * 2/3.
    assert drawn.mean(axis=0) == pytest.approx([1, 1, 1], abs=0.15)
    assert drawn.var(axis=0) == pytest.approx([2 / 3] * 3, abs=0.15)


@pytest.mark.parametrize("cells", [1, 50, 10**9])
def test_a_weight_is_a_repetition(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CELLS", cells)
    random = np.random.default_rng(0)
    scores, correct = random.integers(0, 6, 40) / 2, random.random(40) < 0.7
    weights = random.integers(0, 4, (8, 40))
    expected = [roc_auc_score(np.repeat(correct, often), np.repeat(scores, often)) for often in weights]
    assert weighted_auroc(scores, correct, weights) == pytest.approx(expected)


def test_a_resample_without_one_outcome_is_undefined() -> None:
    found = weighted_auroc([1.0, 2.0, 3.0], [False, True, True], np.array([[1, 1, 0], [0, 1, 2], [1, 0, 0]]))
    assert found[0] == 1
    assert np.isnan(found[1:]).all()


def test_weights_of_another_number_of_predictions_are_refused() -> None:
    with pytest.raises(MetricError, match=r"weights must be \[draws, 2\], not \[1, 3\]"):
        weighted_auroc([1.0, 2.0], [False, True], np.ones((1, 3), dtype=int))
