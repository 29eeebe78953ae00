"""What a bundle that was fitted to labelled images is evaluated on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_shapes import SHAPES, draw_shape, shape_preprocessing, train_shape_network

import reason
from reason.data.image_set import ImageSet
from reason.detector.detector import Detector
from reason.detector.fit_record import FitRecord, FitSettings
from reason.errors import BundleError
from reason.evaluation.material import of_fit

SETTINGS = FitSettings(risk=0.3, copies=0, families=("scores",), corruptions=())


def draw(folder: Path, count: int, seed: int) -> Path:
    random = np.random.default_rng(seed)
    for number in range(count):
        name = SHAPES[number % 3]
        (folder / name).mkdir(parents=True, exist_ok=True)
        draw_shape(name, random).save(folder / name / f"{number:04d}.png")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("data"), 240, seed=5)


@pytest.fixture(scope="module")
def fitted(shapes: ImageSet, data: Path) -> Detector:
    network = train_shape_network(shapes).eval()
    return reason.fit(network, data, preprocessing=shape_preprocessing(), settings=SETTINGS)


@pytest.fixture
def record(fitted: Detector) -> FitRecord:
    assert fitted.provenance.fit is not None
    return fitted.provenance.fit


def test_the_images_that_the_fit_kept_are_tested_on(fitted: Detector, record: FitRecord, data: Path) -> None:
    found = of_fit(fitted, record, fitted.extractor(), data, None)
    assert len(found.test) == record.test.n == 36


def test_other_images_are_tested_on_instead(fitted: Detector, record: FitRecord, data: Path, tmp_path: Path) -> None:
    others = draw(tmp_path / "others", 45, seed=6)
    found = of_fit(fitted, record, fitted.extractor(), data, None, others)
    assert found.test.sources == tuple(sorted(f"{SHAPES[n % 3]}/{n:04d}.png" for n in range(45)))
    assert len(found.meta) == record.meta.n


def test_images_that_the_fit_has_seen_are_no_test(
    fitted: Detector, record: FitRecord, data: Path, tmp_path: Path
) -> None:
    others = draw(tmp_path / "others", 45, seed=6)
    first = next(data.rglob("*.png"))
    (others / first.parent.name / "copied.png").write_bytes(first.read_bytes())
    with pytest.raises(BundleError, match=rf"1 test images, such as {first.parent.name}/copied.png, are in the data"):
        of_fit(fitted, record, fitted.extractor(), data, None, others)
