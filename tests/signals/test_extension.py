"""A learned family of somebody else takes one class and one line; nothing else has to know it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self

import pytest
import torch
from PIL import Image

import reason
from reason.base.evidence import Evidence, Labelled
from reason.data.image_set import ImageSet, split
from reason.detector.detector import Detector
from reason.detector.heads.metanet import MetaNetSettings
from reason.errors import ReasonError
from reason.fitting.fit_parts import fit_parts
from reason.signals import FAMILIES, Column, Context, Requirement, SignalFamily, SignalSettings, State


class Spread(SignalFamily):
    """How far the embedding is from the mean of base-train."""

    name = "spread"
    title = "Spread"
    help = "How far the image is from the middle of the training images."
    requires = frozenset({Requirement.BANK})
    columns = (Column("spread_distance", "Spread", "", "none", "Distance to the middle of the training images."),)

    def __init__(self, centre: torch.Tensor) -> None:
        self.centre = centre

    @classmethod
    def fit(cls, context: Context) -> Self:
        return cls(context.train.evidence.embedding.mean(dim=0))

    def state(self) -> State:
        return {"centre": self.centre}

    @classmethod
    def from_state(cls, state: State, context: Context) -> Self:
        return cls(state["centre"])

    def compute(self, evidence: Evidence) -> torch.Tensor:
        distance: torch.Tensor = (evidence.embedding - self.centre).norm(dim=1, keepdim=True)
        return distance


@pytest.fixture(scope="module")
def parts(detector: Detector, shapes: ImageSet) -> list[Labelled]:
    found = []
    for rows in split(shapes.labels, (0.4, 0.35), seed=0):
        images = shapes.take(rows)
        evidence = detector.tapped.extract(detector.preprocessing.normalise(images.pixels), gradient=False)
        found.append(Labelled(evidence, labels=images.labels, sources=images.sources))
    return found


def fitted(detector: Detector, parts: list[Labelled]) -> Detector:
    bank, meta, calibration = parts
    return fit_parts(
        "own",
        detector.tapped,
        detector.preprocessing,
        detector.classes,
        bank=bank,
        meta=meta,
        calibration=calibration,
        signals=SignalSettings(families=("softmax", "spread")),
        metanet=MetaNetSettings(hidden=(16,), members=2),
        risk=0.2,
        architecture="cnn",
    )


def test_a_learned_family_is_fitted_used_saved_loaded_and_described(
    detector: Detector, parts: list[Labelled], shape_image: Image.Image, tmp_path: Path
) -> None:
    with FAMILIES.temporarily(Spread):
        own = fitted(detector, parts)
        (verdict,) = own.predict([shape_image])
        expected = (own.extract(_pixels(own, shape_image)).embedding - parts[0].evidence.embedding.mean(dim=0)).norm()
        assert verdict.diagnostics["spread_distance"] == pytest.approx(float(expected), rel=1e-4)
        assert own.signals.descriptors()[-1]["columns"][0]["label"] == "Spread"
        json.dumps(own.describe())

        reason.save(own, tmp_path / "own")
        assert [path.stem for path in (tmp_path / "own").iterdir() if path.stem.startswith("signals_")] == [
            "signals_spread"
        ]
        (again,) = reason.load(tmp_path / "own").predict([shape_image])
        assert again.meta_vector == verdict.meta_vector
        assert again.reliability == verdict.reliability
    with pytest.raises(ReasonError, match="spread"):
        reason.load(tmp_path / "own")  # where nobody registered it


def _pixels(detector: Detector, image: Image.Image) -> torch.Tensor:
    return detector.preprocessing.pixels(image)[None]


def test_a_learned_family_that_cannot_be_restored_says_so(
    detector: Detector, parts: list[Labelled], tmp_path: Path
) -> None:
    class Forgetful(Spread):
        @classmethod
        def from_state(cls, state: State, context: Context) -> Self:
            return cls.fit(context)

    with FAMILIES.temporarily(Forgetful):
        reason.save(fitted(detector, parts), tmp_path / "own")
        with pytest.raises(ReasonError, match="must define from_state"):
            reason.load(tmp_path / "own")
