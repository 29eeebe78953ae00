"""Candidates for the head: scores of the literature, logistic regressions and the MetaNet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from reason.detector.heads import metanet
from reason.detector.heads.base import ReliabilityHead
from reason.detector.heads.logistic import Logistic
from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.heads.score import Score
from reason.signals import SignalSet
from reason.signals.scores import LOG_ODDS
from reason.structure import require

MSP = "MSP"
"""Name of the candidate that all others are compared with: the log-odds of the softmax, which rank as it does."""

PENALTIES = (10.0, 50.0, 250.0, 1250.0, 6000.0)
"""Of the logistic regressions: as strong as so many rows. The last one all but ranks as MSP."""

MEMBERS = 2
"""Networks in a MetaNet while candidates are compared, at most, for time."""

Fit = Callable[[torch.Tensor, torch.Tensor], ReliabilityHead]
"""``fit(vectors, correct)``."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A head that could judge."""

    name: str
    kind: str
    """Key of ``reason.detector.heads.HEADS``."""
    fit: Fit
    """Makes the head of meta-vectors ``[n, columns]`` and outcomes ``[n]``."""
    compared: Fit | None = None
    """The same for the comparison, where that is quicker."""

    @property
    def learns(self) -> bool:
        """Whether what it ranks by depends on the rows it was fitted to."""
        return self.kind != Score.kind


def candidates(signals: SignalSet, settings: MetaNetSettings, seed: int) -> list[Candidate]:
    """Return every candidate, from simple to complex, MSP first.

    Args:
        signals: whose columns are judged.
        settings: of the MetaNet.
        seed: of the MetaNet.

    Raises:
        SettingsError: the signals lack the log-odds.
    """
    require(LOG_ODDS in signals.names, "families", "must name scores, which every choice of a head starts from.")
    return [*_scores(signals), *_logistic(signals), _metanet(signals, settings, seed)]


def _scores(signals: SignalSet) -> Iterator[Candidate]:
    names = signals.names
    columns = [column for family in signals.families if not family.raw for column in family.columns]
    for column in sorted(columns, key=lambda column: column.name != LOG_ODDS):
        if column.direction != "none":
            name = MSP if column.name == LOG_ODDS else column.name
            yield Candidate(name, Score.kind, _fit_score(names, column.name, column.direction))


def _fit_score(names: tuple[str, ...], column: str, direction: Literal["trust", "doubt"]) -> Fit:
    return lambda vectors, _: Score.fit(vectors, names, column, direction)


def _logistic(signals: SignalSet) -> Iterator[Candidate]:
    for penalty in PENALTIES:
        name = f"logistic regression, penalty {penalty:g}"
        yield Candidate(name, Logistic.kind, _fit_logistic(signals, penalty))


def _fit_logistic(signals: SignalSet, penalty: float) -> Fit:
    raw, names = signals.raw, signals.names
    return lambda vectors, correct: Logistic.fit(vectors, correct, raw, names, anchor=LOG_ODDS, penalty=penalty)


def _metanet(signals: SignalSet, settings: MetaNetSettings, seed: int) -> Candidate:
    def fit(vectors: torch.Tensor, correct: torch.Tensor) -> ReliabilityHead:
        return metanet.fit(vectors, correct, signals.raw, settings, seed)

    def quick(vectors: torch.Tensor, correct: torch.Tensor) -> ReliabilityHead:
        return metanet.fit(vectors, correct, signals.raw, settings.small(MEMBERS), seed)

    return Candidate("MetaNet", metanet.MetaNet.kind, fit, quick)
