"""The signals: named columns of the meta-vector, one family a file, and the set that a recipe chooses.

A family is a subclass of ``SignalFamily``, registered in ``FAMILIES``; nothing else names it. May import `data` and
`base`.
"""

from __future__ import annotations

from reason.signals.bank import Bank, Nearest
from reason.signals.base import UNITS, Column, Layout, Part, Requirement, SignalFamily, State, measured
from reason.signals.context import Context, FitContext, StoredContext
from reason.signals.pca import Pca
from reason.signals.registry import FAMILIES
from reason.signals.settings import SignalSettings
from reason.signals.signal_set import SignalSet

__all__ = [
    "FAMILIES",
    "UNITS",
    "Bank",
    "Column",
    "Context",
    "FitContext",
    "Layout",
    "Nearest",
    "Part",
    "Pca",
    "Requirement",
    "SignalFamily",
    "SignalSet",
    "SignalSettings",
    "State",
    "StoredContext",
    "measured",
]

FAMILIES.load()
