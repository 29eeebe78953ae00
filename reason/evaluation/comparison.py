"""The judge of confidence scores: a detector's own beside every baseline's, on the same predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reason.base.evidence import Evidence, Labelled
from reason.base.head import head_of
from reason.data.corruptions import CORRUPTIONS
from reason.data.labels import CLEAN
from reason.detector import metanet
from reason.detector.detector import Detector
from reason.detector.metanet import MetaNet, MetaNetSettings
from reason.evaluation import baselines, metrics
from reason.evaluation.baselines import META_VECTOR, Baseline
from reason.fitting.fitting_data import FittingData
from reason.signals import SignalSet

OWN = "REASON"
"""How reports call the detector's own score."""

COMPARED: Mapping[str, metrics.RankingMetric] = {"auroc": metrics.auroc, "augrc": metrics.augrc}
"""Metrics whose differences come with an interval."""

LARGER_IS_BETTER = {"auroc": True, "augrc": False}

Scores = dict[str, NDArray[np.float64]]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ScoredSplit:
    """A split with everything that was said about it, each computed once."""

    images: Labelled
    vectors: torch.Tensor
    """Meta-vectors ``[n, columns]``."""
    reliability: NDArray[np.float64]
    """``[n]``, in [0, 1]."""
    scores: Scores
    """REASON's score and every baseline's, each ``[n]``, larger = more trustworthy."""
    seed_replicates: tuple[NDArray[np.float64], ...]
    """REASON's score of MetaNets from further seeds, each ``[n]``."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is right ``[n]``."""
        return self.images.correct.numpy()


class _Remembering(SignalSet):
    """Signals that compute the meta-vectors of the same evidence once, for all models that ask one after the other."""

    def __init__(self, signals: SignalSet) -> None:
        super().__init__(signals.families, signals.parts)
        self._last: tuple[Evidence, torch.Tensor] | None = None

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return what ``SignalSet.compute`` does."""
        if self._last is None or self._last[0] is not evidence:
            self._last = evidence, super().compute(evidence)
        return self._last[1]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A detector, the baselines it stands beside, and what other seeds would have made of it."""

    detector: Detector
    baselines: Sequence[Baseline]
    seed_replicates: tuple[MetaNet, ...] = ()
    """MetaNets fitted as the detector's own, from further seeds."""

    @classmethod
    def fit(
        cls, detector: Detector, material: FittingData, settings: MetaNetSettings, seed: int, seeds: int
    ) -> Comparison:
        """Fit all baselines, and MetaNets from further seeds, on what the detector was fitted on.

        Args:
            detector: who is judged.
            material: evidence that it was fitted on.
            settings: how its MetaNet was fitted.
            seed: from which seed; the others count on from it.
            seeds: number of seeds, the detector's own among them.
        """
        detector = replace(detector, signals=_Remembering(detector.signals))
        head, meta = head_of(detector.base), material.meta
        every = baselines.make_all(detector.signals)
        vectors = detector.signals.compute(meta.evidence)
        raw = detector.signals.raw
        return cls(
            detector,
            [baseline.fit(head, material.bank, meta) for baseline in every],
            tuple(metanet.fit(vectors, meta.correct, raw, settings, seed + i) for i in range(1, seeds)),
        )

    def judge(self, images: Labelled) -> ScoredSplit:
        """Score a split."""
        judgement = self.detector.judge(images.evidence)
        # The MetaNet's logit orders as the reliability does, and does not saturate.
        scores = {OWN: judgement.logits.double().numpy()}
        scores |= {baseline.name: baseline.score(images.evidence).numpy() for baseline in self.baselines}
        with torch.no_grad():
            seed_replicates = tuple(net(judgement.vectors).double().numpy() for net in self.seed_replicates)
        return ScoredSplit(images, judgement.vectors, judgement.reliability.double().numpy(), scores, seed_replicates)

    def measure(self, judged: ScoredSplit) -> dict[str, Any]:
        """Return the numbers of one split, as plain JSON."""
        correct, reliability, scores = judged.correct, judged.reliability, judged.scores
        accepted = reliability >= self.detector.threshold
        others = {name: score for name, score in scores.items() if name != OWN}
        reports = {name: metrics.report(score, correct) for name, score in scores.items()}
        differences = {
            name: {
                other: metrics.paired_bootstrap(scores[OWN], score, correct, metric=metric)
                for other, score in others.items()
            }
            for name, metric in COMPARED.items()
        }
        return {
            "n": len(correct),
            "accuracy": float(correct.mean()),
            "scores": reports,
            **{f"{name}_difference_95": intervals for name, intervals in differences.items()},
            "seeds": _seeds(judged, reports, differences),
            "reliability": _honesty(reliability, correct),
            "confidence": _honesty(scores["MSP"], correct),
            "threshold": {
                "value": self.detector.threshold,
                "coverage": float(accepted.mean()),
                "selective_risk": float((~correct[accepted]).mean()) if accepted.any() else None,
            },
        }


def _seeds(
    judged: ScoredSplit, reports: Mapping[str, Mapping[str, float]], differences: Mapping[str, Mapping[str, Interval]]
) -> dict[str, Any]:
    """Return for each metric what each seed gives, and its difference to the best baseline of the split.

    The first seed is the detector's own, of which ``reports`` and ``differences`` know all.
    """
    found: dict[str, Any] = {}
    for name, metric in COMPARED.items():
        values = [reports[OWN][name], *(metric(score, judged.correct) for score in judged.seed_replicates)]
        against: dict[str, Any] = {"value": values}
        rivals = {"best": best_baseline(reports, name), "logistic": META_VECTOR[0]}
        for role, rival in rivals.items():
            if rival in judged.scores:
                seed_replicates = [
                    metrics.paired_bootstrap(score, judged.scores[rival], judged.correct, metric=metric)
                    for score in judged.seed_replicates
                ]
                against[role] = {
                    "name": rival,
                    "value": reports[rival][name],
                    "difference_95": [differences[name][rival], *seed_replicates],
                }
        found[name] = against
    return found


def best_baseline(reports: Mapping[str, Mapping[str, float]], metric: str) -> str:
    """Return the name of the best score of the literature; models of REASON's own meta-vector do not count."""
    rivals = {name: row[metric] for name, row in reports.items() if name not in {OWN, *META_VECTOR}}
    sign = 1 if LARGER_IS_BETTER[metric] else -1
    return max(rivals, key=lambda name: sign * rivals[name])


def _honesty(probability: NDArray[np.float64], correct: NDArray[np.bool_]) -> dict[str, float]:
    return {"ece_15": metrics.ece(probability, correct), "brier": metrics.brier(probability, correct)}


def by_type(judged: ScoredSplit, kind: str) -> dict[str, dict[str, Any]]:
    """Return accuracy and each score's AUROC for each corruption of a split; ``kind`` is the split's."""
    names = np.array(judged.images.corruptions)
    rows: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(judged.images.corruptions):
        mask = names == name
        correct = judged.correct[mask]
        rows[name] = {
            "family": CLEAN if name == CLEAN else CORRUPTIONS[name].family,
            "kind": kind,
            "n": int(mask.sum()),
            "accuracy": float(correct.mean()),
            "auroc": {score: metrics.auroc(values[mask], correct) for score, values in judged.scores.items()},
        }
    return rows
