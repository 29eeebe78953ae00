"""The shipped bundles judge as they did when their verdicts were recorded, whatever they are stored in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import reason
from reason.resources import BUNDLES

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("recorded_verdicts.json").read_text(encoding="utf-8"))


def photos() -> list[Path]:
    """The photos that scikit-image installs, as many as were recorded."""
    skimage = pytest.importorskip("skimage")
    folder = Path(skimage.__file__).parent / "data"
    return [folder / row[0] for row in RECORDED["imagenette"]["rows"]]


def digits() -> list[Image.Image]:
    """scikit-learn's first digits, 8 x 8, enlarged to 28 x 28."""
    pixels = (load_digits().images * (255 / 16)).round().astype(np.uint8)
    recorded = len(RECORDED["mnist"]["rows"])
    return [Image.fromarray(digit).resize((28, 28), Image.Resampling.BICUBIC) for digit in pixels[:recorded]]


@pytest.mark.slow
@pytest.mark.parametrize(("bundle", "images"), [("imagenette", photos), ("mnist", digits)])
def test_verdicts_are_the_recorded_ones(bundle: str, images: Callable[[], list[Any]]) -> None:
    recorded = RECORDED[bundle]
    found = reason.load(BUNDLES / bundle, engine="torch").predict(images(), batch_size=8)
    assert len(found) == len(recorded["rows"])
    for verdict, (source, class_, decision, reliability, *diagnostics) in zip(found, recorded["rows"], strict=True):
        assert (verdict.source, verdict.class_, verdict.decision) == (source, class_, decision)
        assert verdict.threshold == recorded["threshold"]
        assert verdict.reliability == pytest.approx(reliability, abs=1e-4)
        shown = [verdict.diagnostics[name] for name in recorded["diagnostics"]]
        assert shown == pytest.approx(diagnostics, rel=1e-3, abs=1e-3)
