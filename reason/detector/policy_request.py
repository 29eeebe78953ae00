"""What a caller may ask of the decision: a threshold, or a risk with or without a delta."""

from __future__ import annotations

from dataclasses import dataclass

from reason.errors import PolicyError


def is_risk(value: float) -> bool:
    """Return whether a number can be a risk or a delta: it is in (0, 1). NaN is not."""
    return 0 < value < 1


def check_risk(name: str, value: float) -> None:
    """Refuse what can be no risk or delta.

    Args:
        name: ``risk`` or ``delta``, for the message.
        value: must be in (0, 1).

    Raises:
        PolicyError: it is not.
    """
    if not is_risk(value):
        raise PolicyError(f"{name} must be above 0 and below 1, not {value}.")


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """Which acceptance policy is asked for; with nothing named, the bundle's own.

    Raises:
        PolicyError: both a threshold and a risk are named, or a delta without a risk, or a number is out of range.
    """

    threshold: float | None = None
    """Accept from this reliability, in [0, 1]; nothing is guaranteed then."""
    risk: float | None = None
    """Accept from the threshold of largest coverage that guarantees this error rate, in (0, 1)."""
    delta: float | None = None
    """Allowed chance that the guarantee fails, in (0, 1); ``None`` for the bundle's own."""

    def __post_init__(self) -> None:
        if self.threshold is not None and self.risk is not None:
            raise PolicyError("threshold and risk exclude each other; leave one of them out.")
        if self.delta is not None and self.risk is None:
            raise PolicyError("delta goes with a risk; name one or leave delta out.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise PolicyError(f"threshold is {self.threshold}; give a number from 0 to 1.")
        for name, value in (("risk", self.risk), ("delta", self.delta)):
            if value is not None:
                check_risk(name, value)
