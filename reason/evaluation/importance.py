"""How much each signal family is worth: what its loss costs a MetaNet that is fitted anew without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reason.base.evidence import Labelled
from reason.detector import metanet
from reason.detector.metanet import MetaNetSettings
from reason.evaluation import metrics
from reason.evaluation.comparison import ScoredSplit
from reason.signals import SignalSet

MEMBERS = 2
"""Networks in each MetaNet, at most, for time."""

MOST_ROWS = 30_000
"""Meta-fit rows that the MetaNets are fitted on, at most, for time."""


def importance(
    signals: SignalSet, settings: MetaNetSettings, meta: Labelled, splits: Mapping[str, ScoredSplit], seed: int
) -> dict[str, dict[str, Any]]:
    """Return what leaving a family out costs on each split.

    Small MetaNets are compared, all from the same seed and rows.

    Returns:
        For each family and split ``auroc_drop``, the AUROC with all families minus that without this one (positive =
        the family helps), and ``interval_95``, its paired bootstrap interval. Empty where there is one family only.
    """
    families = dict.fromkeys(signals.groups)
    if len(families) < 2:
        return {}
    rows = torch.from_numpy(np.random.default_rng(seed).permutation(len(meta))[:MOST_ROWS])
    some = meta.take(rows)
    vectors, correct = signals.compute(some.evidence), some.correct
    groups, raw = np.array(signals.groups), np.array(signals.raw)
    small = settings.small(MEMBERS)

    def score(kept: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
        columns = torch.from_numpy(np.flatnonzero(kept))
        net = metanet.fit(vectors[:, columns], correct, raw[kept].tolist(), small, seed)
        with torch.no_grad():
            return {name: net(judged.vectors[:, columns]).double().numpy() for name, judged in splits.items()}

    whole = score(np.ones(len(groups), dtype=bool))
    return {
        family: {name: _drop(whole[name], without[name], judged.correct) for name, judged in splits.items()}
        for family in families
        for without in [score(groups != family)]
    }


def _drop(whole: NDArray[np.float64], without: NDArray[np.float64], correct: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "auroc_drop": metrics.auroc(whole, correct) - metrics.auroc(without, correct),
        "interval_95": metrics.paired_bootstrap(whole, without, correct),
    }
