"""Which signals make up the meta-vector, and their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reason.base.taps import POOLINGS
from reason.errors import SettingsError
from reason.signals.base import Part, Requirement, SignalFamily
from reason.signals.registry import FAMILIES
from reason.structure import require
from reason.suggestions import did_you_mean

SIZES = (
    *("top_logits", "dropout_samples", "pca_components", "pca_columns"),
    *("bank_images", "neighbours", "layer_components"),
)
"""Settings that must be positive."""

MOST_IMAGES = 2**20
"""Most images that a bundle keeps anything of, in its bank, its calibration sample or its map."""


@dataclass(frozen=True, slots=True)
class SignalSettings:
    """Which signals make up the meta-vector.

    Raises:
        SettingsError: a family is unknown or named twice, there is none, or a size is out of range.
    """

    families: tuple[str, ...]
    """Families in the order of their columns, by their names in ``reason.signals.registry.FAMILIES``."""
    top_logits: int = 5
    """Number of largest logits."""
    dropout_samples: int = 32
    """Dropout masks that the head is sampled with."""
    pca_components: int = 128
    """Components of the PCA; the bank is compressed to them."""
    pca_columns: int = 32
    """Leading components that enter the meta-vector; at most ``pca_components``."""
    bank_images: int = 10_000
    """Most base-train images in the bank; of more, a random choice."""
    neighbours: int = 10
    """Number of nearest bank images."""
    layer_components: int = 128
    """Most principal components of each layer that its distances are measured in."""
    poolings: tuple[Literal["mean", "max", "std"], ...] = ("mean",)
    """Which poolings of the tapped activation maps to read."""
    seed: int = 0
    """Seed of the dropout masks and of the PCA."""

    def __post_init__(self) -> None:
        """Check names and ranges."""
        require(bool(self.families), "families", f"must name one of {', '.join(FAMILIES)}.")
        for number, name in enumerate(self.families):
            key = f"families[{number}]"
            if name not in FAMILIES:
                raise SettingsError(key, f"is {name!r}, which is no signal family; {did_you_mean(name, FAMILIES)}")
            require(name not in self.families[:number], key, f"names {name!r} a second time; name each family once.")
        for size in SIZES:
            require(getattr(self, size) >= 1, size, f"must be at least 1, not {getattr(self, size)}.")
        fits = self.bank_images <= MOST_IMAGES
        require(fits, "bank_images", f"must be at most {MOST_IMAGES}, not {self.bank_images}.")
        fits = self.pca_columns <= self.pca_components
        require(fits, "pca_columns", f"must not exceed pca_components, {self.pca_components}.")
        known = bool(self.poolings) and set(self.poolings) <= set(POOLINGS)
        require(known, "poolings", f"must be some of {', '.join(POOLINGS)}, not {list(self.poolings)}.")
        require(len(set(self.poolings)) == len(self.poolings), "poolings", "must name each pooling once.")
        require(self.seed >= 0, "seed", f"must not be negative, as {self.seed} is.")

    def stored(self) -> dict[str, type[Part] | type[SignalFamily]]:
        """Return what is stored of these signals: by the stem of its file, the part or family whose state it is."""
        families = [FAMILIES[name] for name in self.families]
        parts = {part.stem: part for family in families for part in family.shares(self)}
        return parts | {family.stem: family for family in families if family.learns()}

    @property
    def requires(self) -> frozenset[Requirement]:
        """What the families read beyond logits and embedding."""
        return frozenset().union(*(FAMILIES[name].requires for name in self.families))
