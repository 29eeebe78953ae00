"""What a bundle keeps of how its head was chosen: every candidate with its figures, and the reason in a sentence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PartFigures:
    """How well a candidate ranks one part of the meta-fit images, by models that did not see them."""

    auroc: Estimate
    augrc: float
    """In [0, 1/2]; smaller is better."""
    difference: Estimate
    """AUROC minus that of MSP."""


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """One candidate."""

    name: str
    """``MSP``, the name of a column, or that of a model."""
    kind: str
    """Of the head, a key of ``reason.detector.heads.HEADS``."""
    eligible: bool
    """Whether it is not worse than MSP, as far as can be told, on any part."""
    clean: PartFigures | None
    """On images as they are; ``None`` where too few of them are wrong, or right, to tell."""
    shifted: PartFigures | None
    """On corrupted copies, all together; ``None`` where that cannot be told either."""
    difference: Estimate | None
    """AUROC minus that of MSP, the mean over the parts."""


@dataclass(frozen=True, slots=True)
class ChoiceRecord:
    """How a head was chosen."""

    chosen: str
    """Name of the candidate."""
    why: str
    """One sentence."""
    images: int
    """Number of meta-fit images."""
    errors: int
    """How many of them the base classifier gets wrong."""
    shifted: int
    """Number of corrupted copies."""
    shifted_errors: int
    """How many of them it gets wrong."""
    corruptions: tuple[str, ...]
    """Corruptions of the copies."""
    folds: int
    """Learned candidates are ranked on one part in so many, and learn from the rest."""
    candidates: tuple[CandidateRecord, ...]
    """MSP first."""
