"""Which head judges: the simplest that nothing more complex beats by more than noise.

A MetaNet that was fitted to few errors can rank worse than the softmax that it started from, and nothing in its own
loss says so. So candidates are compared by cross-validation on meta-fit, against the maximum softmax probability (MSP):

- *Eligible* is who is not worse than MSP: of its AUROC minus that of MSP, the lower end of the interval is above
  ``-tolerance``, on the images as they are and on all their corrupted copies together.
- Kinds are gone through from simple to complex: MSP, another score of the literature, logistic regression, MetaNet. The
  eligible candidate of the largest mean AUROC over both parts takes the place of the one before if it leads it by more
  than noise: the lower end of the interval of that lead, widened by the number of candidates of the kind, is above 0.
- Where fewer than ``fewest_errors`` images are wrong, or there are no corrupted copies, only scores of the literature
  stand: whether a learned head is worse on images, or under shift, could not be told.

Intervals are those of the paired bootstrap over source images, see ``reason.detector.heads.ranking.estimate``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from reason import progress
from reason.detector.heads.base import ReliabilityHead
from reason.detector.heads.candidates import MSP, Candidate, candidates
from reason.detector.heads.folds import MetaRows
from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.heads.ranking import CLEAN, SHIFTED, Ranked, Ranking
from reason.detector.heads.record import CandidateRecord, ChoiceRecord, Estimate
from reason.signals import SignalSet
from reason.structure import require, require_options

KINDS = ("score", "logistic", "metanet")
"""From simple to complex."""


@dataclass(frozen=True, slots=True)
class ChoiceSettings:
    """How a head is chosen.

    Raises:
        SettingsError: a number is out of range, or an option is unknown.
    """

    kind: Literal["auto", "score", "logistic", "metanet"] = "auto"
    """Any kind by the rule, or scores alone by the rule, or the best of another kind whatever the rule says."""
    metanet: MetaNetSettings = field(default_factory=MetaNetSettings)
    """How the MetaNet is fitted."""
    tolerance: float = 0.003
    """How much worse than MSP an eligible candidate may be, in AUROC."""
    fewest_errors: int = 10
    """Wrong images, uncorrupted, below which only scores of the literature stand."""
    shifted: bool = True
    """Whether learned heads need corrupted copies to be compared on."""
    folds: int = 5
    """Parts that meta-fit is cut into, by source image."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(0 <= self.tolerance < 1, "tolerance", f"must be in [0, 1), not {self.tolerance}.")
        require(self.fewest_errors >= 2, "fewest_errors", f"must be at least 2, not {self.fewest_errors}.")
        require(self.folds >= 2, "folds", f"must be at least 2, not {self.folds}.")
        require_options(self)


@dataclass(frozen=True, slots=True)
class HeadChoice:
    """A fitted head, and why it is this one."""

    head: ReliabilityHead
    record: ChoiceRecord


def choose_head(
    vectors: torch.Tensor,
    correct: torch.Tensor,
    sources: Sequence[str],
    corruptions: Sequence[str],
    signals: SignalSet,
    settings: ChoiceSettings,
    seed: int,
) -> HeadChoice:
    """Choose a head by cross-validation on meta-fit, and fit it to all of it.

    Args:
        vectors: meta-vectors of images that the base classifier did not train on, and of copies ``[n, columns]``.
        correct: whether each prediction is right, bool ``[n]``.
        sources: name of the image that each row comes from; copies share it.
        corruptions: of each row, ``clean`` where it has none; empty when all are clean.
        signals: the fitted families, which say what each column is.
        settings: the rule.
        seed: of folds, resamples and the MetaNet.

    Raises:
        SettingsError: the signals lack the family ``scores``.
        FitError: a kind that learns was asked for, and all predictions are right, or all are wrong.
    """
    every = candidates(signals, settings.metanet, seed)
    rows = MetaRows.of(vectors, correct, sources, corruptions)
    contest = _Contest(rows, Ranking(rows, seed), settings)
    found = contest.run(every, seed)
    chosen, why = contest.choose(found)
    head = rows.fit(chosen.candidate.fit, np.ones(len(correct), dtype=bool))
    return HeadChoice(head, contest.record(found, chosen, why))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A candidate with its ranking."""

    candidate: Candidate
    ranked: Ranked
    record: CandidateRecord


class _Contest:
    def __init__(self, rows: MetaRows, ranking: Ranking, settings: ChoiceSettings) -> None:
        self._rows, self._ranking, self._settings = rows, ranking, settings
        self._errors = rows.errors(rows.clean)
        self._obstacle = self._too_few()

    def _too_few(self) -> str | None:
        """Return in words why learned heads cannot be compared; ``None`` where they can."""
        fewest = self._settings.fewest_errors
        if self._errors < fewest or CLEAN not in self._ranking.parts:
            return f"of {len(self._rows.clean)} predictions {self._errors} are wrong, and learned heads need {fewest}"
        if self._settings.shifted and SHIFTED not in self._ranking.parts:
            return "too few corrupted copies are wrong, or right, to tell how learned heads do under shift"
        return None

    def run(self, every: Sequence[Candidate], seed: int) -> list[_Entry]:
        """Rank every candidate that can be compared; MSP is the first."""
        if self._settings.kind in ("logistic", "metanet"):
            every = [one for one in every if one.name == MSP or one.kind == self._settings.kind]
        if self._settings.kind == "score" or (self._obstacle and self._settings.kind == "auto"):
            every = [one for one in every if not one.learns]
        scores = self._scores(every, seed)
        ranked = {name: self._ranking.rank(values) for name, values in scores.items()}
        return [_Entry(one, ranked[one.name], self._judge(one, ranked[one.name], ranked[MSP])) for one in every]

    def _scores(self, every: Sequence[Candidate], seed: int) -> Mapping[str, NDArray[np.float64]]:
        rows = self._rows
        cut = rows.cut(self._settings.folds, seed)
        scores: dict[str, NDArray[np.float64]] = {}
        every_row = np.ones(len(rows.correct), dtype=bool)
        with progress.bar("compare heads", unit="heads") as bar:
            for one in bar.over(every):
                if not one.learns:
                    scores[one.name] = rows.fit(one.fit, every_row)(rows.vectors).double().numpy()
                elif self._obstacle is None:
                    scores[one.name] = rows.held_out(one.compared or one.fit, cut, scores[MSP])
                else:  # asked for by kind: there is nothing to compare on
                    scores[one.name] = scores[MSP]
        return scores

    def _judge(self, one: Candidate, ranked: Ranked, msp: Ranked) -> CandidateRecord:
        clean, shifted = (self._ranking.figures(ranked, msp, part) for part in (CLEAN, SHIFTED))
        lows = [part.difference.low for part in (clean, shifted) if part]
        eligible = one.name == MSP or (bool(clean) and all(low > -self._settings.tolerance for low in lows))
        return CandidateRecord(one.name, one.kind, eligible, clean, shifted, self._ranking.lead(ranked, msp))

    def choose(self, found: Sequence[_Entry]) -> tuple[_Entry, str]:
        """Return the chosen entry, and why in a sentence."""
        if self._settings.kind in ("logistic", "metanet"):
            return self._best_of_kind(found)
        chosen, lead = found[0], None
        for kind in KINDS:
            rivals = [entry for entry in found if entry.candidate.kind == kind and entry.record.eligible]
            best = max(rivals, key=lambda entry: entry.ranked.mean, default=None)
            looks = sum(entry.candidate.kind == kind for entry in found)
            if best is None or best.candidate.name == chosen.candidate.name:
                continue
            ahead = self._ranking.lead(best.ranked, chosen.ranked, looks)
            if ahead is not None and ahead.low > 0:
                chosen, lead = best, ahead
        return chosen, self._why(found, chosen, lead)

    def _best_of_kind(self, found: Sequence[_Entry]) -> tuple[_Entry, str]:
        kind = self._settings.kind
        # Of those that rank alike the last is shrunk most.
        rivals = [entry for entry in reversed(found) if entry.candidate.kind == kind]
        best = max(rivals, key=lambda entry: entry.ranked.mean if entry.ranked.auroc else 0.0)
        return best, f"a head of the kind {kind} was asked for; of these {best.candidate.name} has the largest AUROC."

    def _why(self, found: Sequence[_Entry], chosen: _Entry, lead: Estimate | None) -> str:
        name = chosen.candidate.name
        alone = self._obstacle and self._settings.kind == "auto"
        few = f"{self._obstacle}, so only scores of the literature stand; " if alone else ""
        if lead is None:
            return f"{few}no candidate is better than MSP by more than noise{self._nearest(found)}."
        over_msp = chosen.record.difference
        assert over_msp is not None  # it leads
        return (
            f"{few}{name} beats MSP by {_words(over_msp)} of AUROC on {' and '.join(self._ranking.parts)} data, and "
            f"is worse by no more than {self._settings.tolerance:g} on any of it; nothing more complex beats it by "
            "more than noise."
        )

    def _nearest(self, found: Sequence[_Entry]) -> str:
        """Return in words the candidate of the largest AUROC other than MSP, and where it may be worse than MSP."""
        others = [entry for entry in found[1:] if entry.record.difference]
        best = max(others, key=lambda entry: entry.ranked.mean, default=None)
        if best is None or best.ranked.mean <= found[0].ranked.mean:
            return ""
        record = best.record
        assert record.difference is not None
        if record.eligible:
            return f"; {record.name} comes nearest, with {_words(record.difference)} of AUROC more"
        worse = " and ".join(self._may_be_worse(record))
        return (
            f" on all data; {record.name} leads it by {_words(record.difference)} of AUROC in the mean, but may be "
            f"worse than it by more than {self._settings.tolerance:g} on {worse} data"
        )

    def _may_be_worse(self, record: CandidateRecord) -> Iterator[str]:
        """Yield the parts on which a candidate cannot be told to be no worse than MSP."""
        for part, figures in ((CLEAN, record.clean), (SHIFTED, record.shifted)):
            if part == CLEAN and figures is None:
                yield part  # without figures nothing is told
            elif figures is not None and figures.difference.low <= -self._settings.tolerance:
                yield part

    def record(self, found: Sequence[_Entry], chosen: _Entry, why: str) -> ChoiceRecord:
        """Return what is kept of the choice."""
        rows = self._rows
        return ChoiceRecord(
            chosen=chosen.candidate.name,
            why=why,
            images=len(rows.clean),
            errors=self._errors,
            shifted=len(rows.shifted),
            shifted_errors=rows.errors(rows.shifted),
            corruptions=tuple(rows.corrupted),
            folds=self._settings.folds,
            candidates=tuple(entry.record for entry in found),
        )


def _words(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"
