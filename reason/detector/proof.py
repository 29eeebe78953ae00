"""What was measured when an engine was allowed to run a bundle's base classifier."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from reason.detector.certificate import Certificate

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
        ValueError: they are too few, or differ by more than the engine's precision may.
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
        if self.n < LEAST_IMAGES:
            raise ValueError(f"{self.n} images were compared, and a proof takes at least {LEAST_IMAGES}")
        if not 0 <= self.threshold <= 1 or not 0 <= self.largest_difference <= 1 or not self.agreement <= 1:
            raise ValueError("a number is out of range")
        if self.precision == "fp32" and not (self.agreement == 1 and self.largest_difference <= LARGEST_DIFFERENCE):
            raise ValueError(
                f"{1 - self.agreement:.1%} of the decisions differ, and reliabilities by up to "
                f"{self.largest_difference:.1e}; in fp32 none may, and at most {LARGEST_DIFFERENCE:.0e}"
            )
        if self.precision == "bf16" and not (self.agreement >= LEAST_AGREEMENT and self.certificate):
            raise ValueError(
                f"{self.agreement:.2%} of the decisions are equal"
                + (" and no threshold gives the guarantee" if self.certificate is None else "")
                + f"; in bf16 at least {LEAST_AGREEMENT:.1%} must be, with a guarantee of its own"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)
