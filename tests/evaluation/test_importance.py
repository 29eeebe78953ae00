"""What a family is worth shows when it is left out."""

from __future__ import annotations

import numpy as np
import torch

from reason.base.evidence import Evidence, Labelled
from reason.detector.heads.metanet import MetaNetSettings
from reason.evaluation.importance import importance
from reason.evaluation.scored import ScoredSplit
from reason.signals import Column, SignalFamily, SignalSet


class Feature(SignalFamily):
    """One embedding feature as a family."""

    def __init__(self, name: str, feature: int) -> None:
        self.name, self.feature = name, feature  # type: ignore[misc]
        self.columns = (Column(name, name, "", "none", ""),)

    def compute(self, evidence: Evidence) -> torch.Tensor:
        return evidence.embedding[:, self.feature : self.feature + 1]


def images(n: int, seed: int) -> Labelled:
    """Feature 0 tells whether the prediction is right, with some noise; feature 1 is noise alone."""
    random = torch.Generator().manual_seed(seed)
    right = torch.rand(n, generator=random) < 0.7
    noise = torch.randn(n, 2, generator=random)
    embedding = torch.stack([right * 2.0 + noise[:, 0], noise[:, 1]], dim=1)
    return Labelled(
        Evidence(torch.tensor([[1.0, 0.0]]).repeat(n, 1), embedding), labels=(~right).long(), sources=("x",) * n
    )


SETTINGS = MetaNetSettings(hidden=(8,), epochs=10, members=1, batch_size=64, learning_rate=1e-2)


def scored(signals: SignalSet, part: Labelled) -> ScoredSplit:
    return ScoredSplit("clean", part, signals.compute(part.evidence), np.zeros(len(part)), {})


def test_the_family_that_knows_is_missed_and_noise_is_not() -> None:
    signals = SignalSet([Feature("knows", 0), Feature("noise", 1)])
    found = importance(signals, SETTINGS, images(2000, 0), {"clean": scored(signals, images(2000, 1))}, seed=0)
    knows, noise = found["knows"]["clean"], found["noise"]["clean"]
    assert knows.auroc_drop > 0.3
    assert knows.interval_95[0] > 0.25
    assert abs(noise.auroc_drop) < 0.01
    assert noise.interval_95[0] <= noise.auroc_drop <= noise.interval_95[1]


def test_a_single_family_cannot_be_left_out() -> None:
    signals = SignalSet([Feature("knows", 0)])
    assert importance(signals, SETTINGS, images(200, 0), {"clean": scored(signals, images(200, 1))}, seed=0) == {}
