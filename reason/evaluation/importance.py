"""How much each signal family is worth: what its loss costs a MetaNet that is fitted anew without it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from reason import metrics
from reason.base.evidence import Labelled
from reason.detector.heads import metanet
from reason.detector.heads.metanet import MetaNetSettings
from reason.evaluation.report import ImportanceResult
from reason.evaluation.scored import ScoredSplit
from reason.signals import SignalSet

MEMBERS = 2
"""Networks in each MetaNet, at most, for time."""

MOST_ROWS = 30_000
"""Meta-fit rows that the MetaNets are fitted on, at most, for time."""


def importance(
    signals: SignalSet, settings: MetaNetSettings, meta: Labelled, splits: Mapping[str, ScoredSplit], seed: int
) -> dict[str, dict[str, ImportanceResult]]:
    """Return by family and split what leaving the family out costs; empty where there is one family only.

    Small MetaNets are compared, all from the same seed and rows.
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
            return {name: net(split.vectors[:, columns]).double().numpy() for name, split in splits.items()}

    full = score(np.ones(len(groups), dtype=bool))
    return {
        family: {name: _drop(full[name], without[name], split.correct) for name, split in splits.items()}
        for family in families
        for without in [score(groups != family)]
    }


def _drop(full: NDArray[np.float64], without: NDArray[np.float64], correct: NDArray[np.bool_]) -> ImportanceResult:
    drop = metrics.auroc(full, correct) - metrics.auroc(without, correct)
    return ImportanceResult(drop, metrics.paired_bootstrap(full, without, correct))
