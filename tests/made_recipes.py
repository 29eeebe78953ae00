"""The provenance of a detector that some recipe made, for tests of what reads it."""

from __future__ import annotations

import dataclasses
from typing import Any

from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.provenance import PartRecord, Provenance, SplitRecord
from reason.detector.recipe import Base, Cycle, Data, GuaranteeSettings, MetaFit, Phase, Recipe
from reason.signals import SignalSettings


def make_recipe(dataset: Any = "mnist", **changes: Any) -> Recipe:
    """Return a recipe of a small network."""
    recipe = Recipe(
        name="made",
        title="Made for a test",
        seed=9,
        data=Data(dataset, 0.6, 0.3, 28, (0.1,), (0.3,), "L"),
        base=Base("cnn", 0.1, (Cycle(1e-3, 0.8, 0.0, (Phase(1, 28),)),), 16, "adamw", 0.01, 0.2, 0.9),
        signals=SignalSettings(families=("softmax",)),
        meta_fit=MetaFit(),
        metanet=MetaNetSettings(),
        threshold=GuaranteeSettings(0.05, 0.05),
    )
    return dataclasses.replace(recipe, **changes)


def make_provenance(dataset: Any = "mnist", **changes: Any) -> Provenance:
    """Return the provenance of what such a recipe made."""
    parts = [PartRecord(n, "0" * 64) for n in (60, 30, 10)]
    return Provenance(make_recipe(dataset, **changes), SplitRecord(9, "abc", (), *parts))
