"""REASON judges each prediction of an image classifier from what happens inside it.

>>> import reason
>>> detector = reason.load("reason_saved/imagenette")  # doctest: +SKIP
>>> verdicts = detector.predict(["photo.jpg"])  # doctest: +SKIP
>>> print(verdicts[0].class_, verdicts[0].reliability, verdicts[0].decision)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reason.bundle.writing import save
    from reason.detector.detector import Detector
    from reason.detector.verdict import Verdict
    from reason.errors import ReasonError
    from reason.fitting.estimator import ReliabilityEstimator
    from reason.fitting.fit_classifier import fit
    from reason.sharing.loading import load
    from reason.sharing.pushing import push

__version__ = "0.2.0"

__all__ = ["Detector", "ReasonError", "ReliabilityEstimator", "Verdict", "fit", "load", "push", "save"]

_HOMES = {
    "Detector": "reason.detector.detector",
    "ReasonError": "reason.errors",
    "Verdict": "reason.detector.verdict",
    "ReliabilityEstimator": "reason.fitting.estimator",
    "fit": "reason.fitting.fit_classifier",
    "load": "reason.sharing.loading",
    "push": "reason.sharing.pushing",
    "save": "reason.bundle.writing",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``reason --help`` does not wait for PyTorch."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'reason' has no attribute {name!r}")
