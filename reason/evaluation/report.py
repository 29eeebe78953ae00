"""What an evaluation found, typed: written once to ``metrics.json``, and read back from it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from reason.detector.provenance import EpochReport
from reason.errors import ReasonError

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A figure; NaN where it is undefined, which JSON writes as null."""

Interval = tuple[Number, Number]
"""Low and high end of a 95% interval."""

SplitKind = Literal["clean", "seen", "unseen", "ood"]
"""Clean images, corrupted as a fit saw, corrupted as no fit saw, or together with images of no known class."""

Metric = Literal["auroc", "augrc"]
"""Metrics whose differences come with an interval."""

OWN = "REASON"
"""How reports call the detector's own score."""


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """How well one score ranks the predictions of one split; see ``reason.metrics`` for each metric."""

    auroc: Number
    ap_success: Number
    ap_error: Number
    fpr_at_95_tpr: Number
    aurc: Number
    e_aurc: Number
    augrc: Number
    risk_at_50_coverage: Number
    risk_at_80_coverage: Number
    risk_at_90_coverage: Number
    coverage_at_1_risk: Number
    coverage_at_2_risk: Number
    coverage_at_5_risk: Number


@dataclass(frozen=True, slots=True)
class RivalResult:
    """REASON beside another score on one split, by one metric."""

    name: str
    """The other score."""
    value: Number
    """Its metric."""
    difference_95: tuple[Interval, ...]
    """Paired bootstrap interval of REASON's metric minus the other's, one a seed."""


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What MetaNets of several seeds give on one split, by one metric; the first is the bundle's own."""

    value: tuple[Number, ...]
    """The metric of each seed."""
    best: RivalResult
    """Against the best score of the literature."""
    logistic: RivalResult | None = None
    """Against the logistic regression on the same meta-vector, where it was measured."""


@dataclass(frozen=True, slots=True)
class SeedResults:
    """Seed replicates by metric."""

    auroc: SeedResult
    augrc: SeedResult


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """How well a stated probability matches the outcomes; smaller is better."""

    ece_15: Number
    """Expected calibration error over 15 equal-mass bins, in [0, 1]."""
    brier: Number
    """Mean squared error of the probability, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """What the bundle's threshold does on one split."""

    value: float
    """Reliability from which a prediction is accepted."""
    coverage: float
    """Share accepted, in [0, 1]."""
    selective_risk: Number
    """Error rate among the accepted, in [0, 1]; NaN when nothing is accepted."""


@dataclass(frozen=True, slots=True)
class SplitResult:
    """Every figure of one split."""

    kind: SplitKind
    n: int
    """Number of images."""
    accuracy: float
    """Share that the base classifier has right, in [0, 1]."""
    scores: dict[str, ScoreResult]
    """By score: REASON's own, then every baseline's."""
    auroc_difference_95: dict[str, Interval]
    """By baseline, the paired bootstrap interval of REASON's AUROC minus the baseline's; above 0 is better."""
    augrc_difference_95: dict[str, Interval]
    """By baseline, the paired bootstrap interval of REASON's AUGRC minus the baseline's; below 0 is better."""
    seeds: SeedResults
    reliability: CalibrationResult
    """Of the calibrated P(correct)."""
    confidence: CalibrationResult
    """Of the softmax probability of the predicted class."""
    threshold: ThresholdResult

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; undefined figures are ``None``."""
        return _plain(_SPLIT, self)


@dataclass(frozen=True, slots=True)
class ImportanceResult:
    """What leaving out one signal family costs on one split."""

    auroc_drop: Number
    """AUROC with all families minus that without this one; positive = the family helps."""
    interval_95: Interval
    """Its paired bootstrap interval."""


@dataclass(frozen=True, slots=True)
class CorruptionResult:
    """What one corruption does, severities drawn uniformly."""

    family: str
    kind: SplitKind
    """Of the split that the images are from."""
    n: int
    """Number of images."""
    accuracy: float
    """Share that the base classifier has right, in [0, 1]."""
    auroc: dict[str, Number]
    """AUROC by score."""


@dataclass(frozen=True, slots=True)
class SeverityStep:
    """A corruption in one range of severity; its figures are undefined where no image fell into it."""

    severity: float
    """Middle of the range, in [0, 1]."""
    n: int
    """Number of images."""
    accuracy: Number
    """Share that the base classifier has right, in [0, 1]."""
    confidence: Number
    """Mean softmax probability of the predicted class, in [0, 1]."""
    reliability: Number
    """Mean calibrated P(correct), in [0, 1]."""
    auroc: Number
    """Of REASON's score."""
    auroc_msp: Number
    """Of the maximum softmax probability."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that ``reason evaluate`` measures."""

    bundle: str
    """Name of the bundle."""
    target: str
    """Name of the split whose images are like those that the bundle is made for."""
    seen: tuple[str, ...]
    """Corruptions that a fit saw."""
    unseen: tuple[str, ...]
    """Corruptions of families of which no fit saw a member."""
    splits: dict[str, SplitResult]
    """By name of the split, the clean one first."""
    importance: dict[str, dict[str, ImportanceResult]]
    """By signal family and split; empty where there is one family only."""
    by_type: dict[str, CorruptionResult]
    """By corruption."""
    severity_sweep: dict[str, tuple[SeverityStep, ...]]
    """By corruption, in the order of severity."""
    training: tuple[EpochReport, ...]
    """Training of the base classifier; empty where the bundle does not say."""
    engine: str = "torch"
    """What ran the base classifier."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; undefined figures are ``None``."""
        return _plain(_REPORT, self)

    @classmethod
    def from_json(cls, content: Any) -> Report:
        """Read what ``to_json`` returned, or what the version before wrote.

        Raises:
            ReasonError: it is no report.
        """
        try:
            return _REPORT.validate_python(_with_new_words(content))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ReasonError(
                f"not a report of `reason evaluate`: {place or 'the file'}: {first['msg']}; evaluate the bundle again."
            ) from None


_REPORT = TypeAdapter(Report)
_SPLIT = TypeAdapter(SplitResult)


def _plain(kind: TypeAdapter[Any], value: Any) -> dict[str, Any]:
    # By way of the text: only there undefined figures become null.
    plain: dict[str, Any] = json.loads(kind.dump_json(value))
    return plain


OLD_WORDS = {"home mix": "target distribution", "outside": "ood"}
"""Names of splits and kinds that reports used one version ago, and what they are now."""


def _with_new_words(content: Any) -> Any:
    """Rename what reports of the version before called otherwise."""
    if not isinstance(content, dict) or "home" not in content:
        return content
    renamed: dict[str, Any] = _renamed(content)
    # Each key keeps its place, so that a report written anew differs in the words alone.
    return {{"home": "target", "ladder": "severity_sweep"}.get(key, key): value for key, value in renamed.items()}


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {OLD_WORDS.get(key, key): _renamed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    return OLD_WORDS.get(value, value) if isinstance(value, str) else value
