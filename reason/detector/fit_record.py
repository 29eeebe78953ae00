"""How a detector was fitted to a trained classifier: the settings of ``reason.fit``, and what a bundle keeps of it."""

from __future__ import annotations

from dataclasses import dataclass

from reason.detector.policy import DELTA
from reason.detector.policy_request import is_risk
from reason.structure import require

FAMILIES = ("scores", "softmax", "dropout", "neighbours", "layers", "views")
"""Signal families that a fit takes where the classifier gives what they need."""

CORRUPTIONS = (
    *("noise", "speckle", "salt_pepper", "brightness", "contrast", "gamma", "uneven_light"),
    *("jpeg", "pixelate", "quantise", "rotate", "shift", "shear", "perspective", "elastic", "occlude", "holes"),
)
"""Corruptions of the copies that a fit learns from; blur, frequency and weather are left to be tested on."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How a detector is fitted to a trained classifier.

    Raises:
        SettingsError: a number is out of range.
    """

    risk: float = 0.05
    """Upper limit of the error rate among accepted predictions that the threshold shall guarantee, in (0, 1)."""
    delta: float = DELTA
    """Chance, over calibration draws, that the guarantee fails, in (0, 1)."""
    seed: int = 0
    """Seed of the split, of the copies and of every sample."""
    families: tuple[str, ...] = FAMILIES
    """Signal families; those that need what the classifier lacks drop out."""
    corruptions: tuple[str, ...] = CORRUPTIONS
    """Corruptions of the copies of meta-fit images; none where it is empty."""
    copies: int = 2
    """Corrupted copies of each meta-fit image."""
    bank_share: float = 0.25
    """Share of the images that the bank takes where none is given."""
    meta_share: float = 0.35
    """Share that the head learns from."""
    calibration_share: float = 0.25
    """Share that calibrates and certifies; the rest tests."""
    bank_images: int = 10_000
    """Most images that the bank, and what signals learn of the classes, come from; of more, a choice by their names."""
    neighbours: int = 10
    """Number of nearest bank images."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for key in ("risk", "delta"):
            require(is_risk(getattr(self, key)), key, f"must be in (0, 1), not {getattr(self, key)}.")
        require(self.seed >= 0, "seed", f"must not be negative, as {self.seed} is.")
        require(self.copies >= 0, "copies", f"must not be negative, as {self.copies} is.")
        for key in ("bank_share", "meta_share", "calibration_share"):
            require(getattr(self, key) > 0, key, f"must be positive, not {getattr(self, key)}.")
        total = self.bank_share + self.meta_share + self.calibration_share
        require(
            total < 1, "bank_share", f"and the other shares must leave some images to test on; they sum to {total:g}."
        )
        require(self.bank_images >= 1, "bank_images", f"must be at least 1, not {self.bank_images}.")
        require(self.neighbours >= 1, "neighbours", f"must be at least 1, not {self.neighbours}.")

    def shares(self, has_bank: bool) -> tuple[float, float, float]:
        """Return the shares of bank, meta-fit and calibration; what a bank of its own leaves free they divide."""
        if not has_bank:
            return self.bank_share, self.meta_share, self.calibration_share
        rest = 1 - self.bank_share
        return 0.0, self.meta_share / rest, self.calibration_share / rest


@dataclass(frozen=True, slots=True)
class FittedPart:
    """Which images a part holds, and how the classifier does on them."""

    n: int
    """Number of images."""
    errors: int
    """How many of them the classifier gets wrong."""
    sources_sha256: str
    """Digest of their names in order."""


@dataclass(frozen=True, slots=True)
class FitRecord:
    """What a bundle keeps of how it was fitted."""

    settings: FitSettings
    own_bank: bool
    """Whether a bank was given besides the data."""
    bank: FittedPart
    meta: FittedPart
    calibration: FittedPart
    test: FittedPart
    skipped: int
    """Number of images that could not be decoded, and were left out."""
    notes: tuple[str, ...]
    """Sentences about what dropped out and what to beware of."""
