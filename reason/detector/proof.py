"""What was measured when an engine was allowed to run a bundle's base classifier."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from reason.detector.certificate import Certificate
from reason.errors import SettingsError

LEAST_IMAGES = 256
"""Calibration images that a proof takes at least; in bf16 it takes all of them."""
LARGEST_DIFFERENCE = 1e-4
"""Of the reliabilities, in fp32."""
LEAST_AGREEMENT = 0.995
"""Share of equal decisions, in bf16; in fp32 all are equal."""


@dataclass(frozen=True, slots=True)
class EngineProof:
    """An engine's verdicts beside those of PyTorch, on calibration images.

    Raises:
        SettingsError: they are too few, or differ by more than the engine's precision may.
    """

    precision: Literal["fp32", "bf16"]
    """Arithmetic of the engine's passes."""
    version: str
    """Runtime and version that were compared."""
    n: int
    """Number of images that were compared."""
    largest_difference: float
    """Largest difference of the reliabilities, in [0, 1]."""
    agreement: float
    """Share of equal decisions, each by the engine's own threshold, in [0, 1]."""
    threshold: float
    """Reliability from which predictions are accepted when this engine runs, in [0, 1]."""
    certificate: Certificate | None
    """What this threshold guarantees; in fp32 the bundle's own certificate."""

    def __post_init__(self) -> None:
        for name in ("largest_difference", "agreement", "threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(name, f"must be in 0 to 1, not {getattr(self, name)}.")
        if self.n < LEAST_IMAGES:
            raise SettingsError("n", f"must be at least {LEAST_IMAGES}, not {self.n}.")
        if self.precision == "fp32" and self.agreement < 1:
            raise SettingsError("agreement", f"must be 1 in fp32: {1 - self.agreement:.2%} of the decisions differ.")
        if self.precision == "fp32" and self.largest_difference > LARGEST_DIFFERENCE:
            limit, found = LARGEST_DIFFERENCE, self.largest_difference
            raise SettingsError("largest_difference", f"must be at most {limit:.0e} in fp32, not {found:.1e}.")
        if self.precision == "bf16" and self.agreement < LEAST_AGREEMENT:
            raise SettingsError(
                "agreement", f"must be at least {LEAST_AGREEMENT:.1%} in bf16: {self.agreement:.2%} are equal."
            )
        if self.precision == "bf16" and self.certificate is None:
            raise SettingsError("certificate", "must be there in bf16.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)
