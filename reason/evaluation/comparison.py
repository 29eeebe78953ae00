"""A detector's own score beside every baseline's, on the same predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from reason.base.evidence import Evidence, Labelled
from reason.detector.detector import Detector
from reason.detector.heads import metanet
from reason.detector.heads.metanet import MetaNet, MetaNetSettings
from reason.evaluation import baselines
from reason.evaluation.baselines import ConfidenceScore, ScoreContext
from reason.evaluation.report import OWN, SplitKind
from reason.evaluation.scored import ScoredSplit
from reason.signals import SignalSet


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
    baselines: Sequence[ConfidenceScore]
    seed_replicates: tuple[MetaNet, ...] = ()
    """MetaNets fitted as the detector's own, from further seeds."""

    @classmethod
    def fit(
        cls,
        detector: Detector,
        train: Labelled,
        meta: Labelled,
        settings: MetaNetSettings,
        seed: int,
        seeds: int,
        more: Sequence[type[ConfidenceScore]] = (),
    ) -> Comparison:
        """Fit all baselines, and MetaNets from further seeds, on what the detector was fitted on.

        Args:
            detector: whose score is compared.
            train: base-train evidence that it was fitted on.
            meta: meta-fit evidence that it was fitted on.
            settings: how its MetaNet was fitted.
            seed: from which seed; the others count on from it.
            seeds: number of seeds, the detector's own among them.
            more: scores to compare with besides those that are registered.

        Raises:
            FitError: a score cannot be fitted, or one of ``more`` does not fit the detector.
        """
        detector = replace(detector, signals=_Remembering(detector.signals))
        signals = detector.signals
        head = detector.base.classifier_head()
        every = baselines.make_all(baselines.offered(signals, head), more)
        context = ScoreContext(head, train, meta, signals)
        vectors = signals.compute(meta.evidence)
        return cls(
            detector,
            [score.fit(context) for score in every],
            tuple(metanet.fit(vectors, meta.correct, signals.raw, settings, seed + i) for i in range(1, seeds)),
        )

    def score(self, images: Labelled, kind: SplitKind) -> ScoredSplit:
        """Return what the detector and every baseline say of a split."""
        judgement = self.detector.judge(images.evidence)
        # The MetaNet's logit orders as the reliability does, and does not saturate.
        scores = {OWN: judgement.logits.double().numpy()}
        scores |= {baseline.name: baseline.score(images.evidence).numpy() for baseline in self.baselines}
        with torch.no_grad():
            seed_replicates = tuple(net(judgement.vectors).double().numpy() for net in self.seed_replicates)
        reliability = judgement.reliability.double().numpy()
        ablations = frozenset(baseline.name for baseline in self.baselines if baseline.on_meta_vector)
        return ScoredSplit(kind, images, judgement.vectors, reliability, scores, ablations, seed_replicates)
