"""The confidence scores that REASON's is compared with; larger = more trustworthy, always.

Most are of the literature; the last three are plain models on REASON's own meta-vector. A file holds one score or a
few that are alike; each is registered by a decorator and says itself what it reads and learns from.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reason.base.head import Head
from reason.errors import FitError
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, Source
from reason.signals import Requirement, SignalSet

__all__ = [
    "SCORES",
    "ConfidenceScore",
    "ScoreContext",
    "Source",
    "literature",
    "make_all",
    "make_parameter_free",
    "offered",
]


def make_all(evidence: Collection[Requirement], more: Sequence[type[ConfidenceScore]] = ()) -> list[ConfidenceScore]:
    """Return every score that the evidence allows, fresh and not fitted, in the order of reports.

    Args:
        evidence: what it holds besides logits and embedding.
        more: scores that are asked for besides those that are registered.

    Raises:
        FitError: one of ``more`` needs other evidence, or has the name of another score.
    """
    kinds = [kind for kind in SCORES.values() if kind.requires <= set(evidence)]
    for kind in more:
        if kind in kinds:
            continue
        if missing := kind.requires - set(evidence):
            lacking = ", ".join(sorted(missing))
            raise FitError(f"the score {kind.name} reads {lacking}, which the signals of this bundle do not; drop it.")
        if kind.name in SCORES:
            raise FitError(f"{kind.name}: there is a score of this name already; give yours another.")
        kinds.append(kind)
    return [kind() for kind in kinds]


def offered(signals: SignalSet, head: Head) -> frozenset[Requirement]:
    """Return what scores may require beside logits and embedding: what the signals read, and a linear head."""
    return signals.requires - {Requirement.HEAD} | ({Requirement.HEAD} if head.weight is not None else frozenset())


def literature(evidence: Collection[Requirement]) -> list[ConfidenceScore]:
    """Return the scores of ``make_all`` that are no models on REASON's own meta-vector."""
    return [score for score in make_all(evidence) if not score.on_meta_vector]


def make_parameter_free() -> list[ConfidenceScore]:
    """Return the scores that need no fit and no more than logits and embedding, in the order of reports."""
    return [score for score in make_all(()) if not score.learns_from]


SCORES.load()
