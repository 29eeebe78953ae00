"""REASON judges each prediction of an image classifier from what happens inside it.

>>> import reason
>>> detector = reason.load("reason_saved/imagenette")  # doctest: +SKIP
>>> verdicts = detector.predict(["photo.jpg"])  # doctest: +SKIP
>>> print(verdicts[0].class_, verdicts[0].reliability, verdicts[0].decision)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reason.bundle import load, save
    from reason.detector import Detector
    from reason.errors import ReasonError
    from reason.verdict import Verdict

__all__ = ["Detector", "ReasonError", "Verdict", "load", "save"]

_HOMES = {
    "Detector": "reason.detector",
    "ReasonError": "reason.errors",
    "Verdict": "reason.verdict",
    "load": "reason.bundle",
    "save": "reason.bundle",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``reason --help`` does not wait for PyTorch."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'reason' has no attribute {name!r}")
