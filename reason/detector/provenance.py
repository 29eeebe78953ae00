"""How a detector was made: what a bundle's card keeps of recipe, data, training and measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from reason.detector.fit_record import FitRecord
from reason.detector.heads.record import ChoiceRecord
from reason.detector.recipe import Recipe
from reason.structure import plain

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "pillow")
"""Packages whose versions are kept."""


@dataclass(frozen=True, slots=True)
class PartRecord:
    """Which images a part of the train images holds."""

    n: int
    """Number of images."""
    sources_sha256: str
    """Digest of their names in order."""


@dataclass(frozen=True, slots=True)
class SplitRecord:
    """How the train images were split."""

    seed: int
    """Seed of the split and of the copies."""
    data_sha256: str
    """Fingerprint of the train images, see ``ImageSet.fingerprint``."""
    skipped: tuple[str, ...]
    """Files that could not be decoded, each with the reason."""
    base: PartRecord
    """What the base classifier, the PCA and the bank learned from."""
    meta: PartRecord
    """What the MetaNet learned from."""
    calibration: PartRecord
    """What the calibration and the threshold came from."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What one epoch of base training gave."""

    epoch: int
    """Number of the epoch, from 1."""
    size: int
    """Side of the crops in pixels."""
    loss: float
    """Mean training cross-entropy in nats."""
    accuracy: float
    """Share of held-out images that the averaged weights classify correctly, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a detector was made and measured; empty where it was fitted in Python."""

    recipe: Recipe | None = None
    """Every setting; ``None`` for a detector that no recipe made."""
    split: SplitRecord | None = None
    """Which images the parts hold; ``None`` for a detector that no recipe made."""
    history: tuple[EpochReport, ...] = ()
    """Training of the base classifier, epoch by epoch."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """By test split, what was measured when the detector was made; plain JSON, to be shown."""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """When it was made, ISO 8601."""
    versions: Mapping[str, str] = field(default_factory=lambda: {name: version(name) for name in PACKAGES})
    """By package, the version that it was made with."""
    fit: FitRecord | None = None
    """How it was fitted to a trained classifier; ``None`` where a recipe made it."""
    choice: ChoiceRecord | None = None
    """How its head was chosen; ``None`` where the kind was given."""

    @property
    def dataset(self) -> str | None:
        """Name of the data set of the recipe; ``None`` without one."""
        return None if self.recipe is None else self.recipe.data.dataset

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        facts: dict[str, Any] = plain(self)
        for name in ("fit", "choice"):  # as cards of before have neither
            if facts[name] is None:
                del facts[name]
        return facts
