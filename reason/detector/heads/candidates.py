"""Candidates for the head: scores of the literature, logistic regressions and the MetaNet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch

from reason.detector.heads import metanet
from reason.detector.heads.base import ReliabilityHead
from reason.detector.heads.logistic import Logistic
from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.heads.score import Score
from reason.signals import SignalSet
from reason.signals.base import Direction
from reason.signals.scores import LOG_ODDS
from reason.structure import require

MSP = "MSP"
"""Name of the candidate that all others are compared with: the log-odds of the softmax, which rank as it does."""

PENALTIES = (10.0, 50.0, 250.0, 1250.0, 6000.0)
"""Of the logistic regressions: as strong as so many rows. The last one all but ranks as MSP."""

USUAL = (0.95, 0.99)
"""Shares of the uncorrupted images that are usual in a column, for those that read what is unusual alone."""

UNUSUAL_PENALTIES = (10.0, 250.0)
"""Of these."""

OF_LOGITS = frozenset({"scores", "softmax", "logits"})
"""Families that say of usual images what the log-odds say, in other words."""

MEMBERS = 2
"""Networks in a MetaNet while candidates are compared, at most, for time."""

Fit = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], ReliabilityHead]
"""``fit(vectors, correct, clean)``."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A head that could judge."""

    name: str
    kind: str
    """Key of ``reason.detector.heads.HEADS``."""
    fit: Fit
    """Makes the head of meta-vectors ``[n, columns]``, outcomes ``[n]``, and which images are not corrupted ``[n]``."""
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
    return lambda vectors, correct, _: Score.fit(vectors, correct, names, column, direction)


def _logistic(signals: SignalSet) -> Iterator[Candidate]:
    for penalty in PENALTIES:
        name = f"logistic regression, penalty {penalty:g}"
        yield Candidate(name, Logistic.kind, _fit_logistic(signals, penalty, None))
    if any(direction != "none" for direction in _beyond_logits(signals)):
        for usual, penalty in product(USUAL, UNUSUAL_PENALTIES):
            name = f"logistic regression of the unusual {1 - usual:.0%}, penalty {penalty:g}"
            yield Candidate(name, Logistic.kind, _fit_logistic(signals, penalty, usual))


def _fit_logistic(signals: SignalSet, penalty: float, usual: float | None) -> Fit:
    raw, names, directions = signals.raw, signals.names, _beyond_logits(signals)

    def fit(vectors: torch.Tensor, correct: torch.Tensor, clean: torch.Tensor) -> ReliabilityHead:
        ranges = unusual_ranges(vectors[clean], directions, usual) if usual else None
        return Logistic.fit(vectors, correct, raw, names, anchor=LOG_ODDS, penalty=penalty, ranges=ranges)

    return fit


def _beyond_logits(signals: SignalSet) -> list[Direction]:
    """Return the direction of each column; ``none`` for those that the logits alone make, and for raw features."""
    return [
        "none" if family.raw or family.name in OF_LOGITS else column.direction
        for family in signals.families
        for column in family.columns
    ]


def unusual_ranges(clean: torch.Tensor, directions: Sequence[Direction], usual: float) -> torch.Tensor:
    """Return, for each column, the range of what is more doubtful than usual ``[2, columns]``; NaN without direction.

    Args:
        clean: meta-vectors of uncorrupted images ``[n, columns]``.
        directions: of each column.
        usual: share of them that is usual, in (0, 1).
    """
    ranges = torch.full((2, clean.shape[1]), torch.nan)
    for column, direction in enumerate(directions):
        values = clean[:, column]
        if direction == "doubt":
            ranges[:, column] = torch.tensor([float(values.quantile(usual)), torch.inf])
        elif direction == "trust":
            ranges[:, column] = torch.tensor([-torch.inf, float(values.quantile(1 - usual))])
    return ranges


def _metanet(signals: SignalSet, settings: MetaNetSettings, seed: int) -> Candidate:
    def fit(vectors: torch.Tensor, correct: torch.Tensor, _: torch.Tensor) -> ReliabilityHead:
        return metanet.fit(vectors, correct, signals.raw, settings, seed)

    def quick(vectors: torch.Tensor, correct: torch.Tensor, _: torch.Tensor) -> ReliabilityHead:
        return metanet.fit(vectors, correct, signals.raw, settings.small(MEMBERS), seed)

    return Candidate("MetaNet", metanet.MetaNet.kind, fit, quick)
