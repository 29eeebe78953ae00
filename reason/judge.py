"""The judge of confidence scores: a detector's own beside every baseline's, on the same predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reason import baselines, metrics
from reason.baselines import Baseline
from reason.corruptions import CORRUPTIONS
from reason.datasets import CLEAN
from reason.detector import Detector
from reason.fit import Labelled, head_of

OWN = "REASON"
"""How reports call the detector's own score."""

Scores = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A split with everything that was said about it, each computed once."""

    images: Labelled
    reliability: NDArray[np.float64]
    """``[n]``, in [0, 1]."""
    scores: Scores
    """REASON's score and every baseline's, each ``[n]``, larger = more trustworthy."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is right ``[n]``."""
        return self.images.correct.numpy()


@dataclass(frozen=True, slots=True)
class Judge:
    """A detector, and the baselines it stands beside."""

    detector: Detector
    baselines: Sequence[Baseline]

    @classmethod
    def fit(cls, detector: Detector, train: Labelled, meta: Labelled) -> Judge:
        """Fit all baselines on base-train and clean meta-fit evidence."""
        head = head_of(detector.base)
        return cls(detector, [baseline.fit(head, train, meta) for baseline in baselines.make_all()])

    def judge(self, images: Labelled) -> Judged:
        """Score a split."""
        judgement = self.detector.judge(images.evidence)
        # The MetaNet's logit orders as the reliability does, and does not saturate.
        scores = {OWN: judgement.logits.double().numpy()}
        scores |= {baseline.name: baseline.score(images.evidence).numpy() for baseline in self.baselines}
        return Judged(images, judgement.reliability.double().numpy(), scores)

    def measure(self, judged: Judged) -> dict[str, Any]:
        """Return the numbers of one split, as plain JSON."""
        correct, reliability, scores = judged.correct, judged.reliability, judged.scores
        accepted = reliability >= self.detector.threshold
        return {
            "n": len(correct),
            "accuracy": float(correct.mean()),
            "scores": {name: metrics.report(score, correct) for name, score in scores.items()},
            "auroc_difference_95": {
                name: metrics.paired_bootstrap(scores[OWN], score, correct)
                for name, score in scores.items()
                if name != OWN
            },
            "reliability": _honesty(reliability, correct),
            "confidence": _honesty(scores["MSP"], correct),
            "threshold": {
                "value": self.detector.threshold,
                "coverage": float(accepted.mean()),
                "selective_risk": float((~correct[accepted]).mean()) if accepted.any() else None,
            },
        }


def _honesty(probability: NDArray[np.float64], correct: NDArray[np.bool_]) -> dict[str, float]:
    return {"ece_15": metrics.ece(probability, correct), "brier": metrics.brier(probability, correct)}


def by_type(judged: Judged, kind: str) -> dict[str, dict[str, Any]]:
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
