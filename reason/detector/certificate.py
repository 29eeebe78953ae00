"""What a threshold guarantees."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Certificate:
    """The guarantee of a threshold: selective risk <= ``risk`` with confidence ``1 - delta``.

    It holds for images drawn like the calibration images, and for no others.
    """

    risk: float
    """Guaranteed upper limit of the error rate among accepted predictions, in (0, 1)."""
    delta: float
    """Probability over calibration draws that the guarantee fails, in (0, 1)."""
    n: int
    """Number of calibration images."""
    bound: float
    """Exact upper confidence bound of the selective risk at the threshold, <= ``risk``."""
    coverage: float
    """Share of the calibration images that the threshold accepts, in [0, 1]."""
    method: str
    """Name of the bound."""

    __pydantic_config__ = {"use_attribute_docstrings": True}  # noqa: RUF012 (pydantic's own form)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)
