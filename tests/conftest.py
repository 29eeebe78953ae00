"""Fixtures that all tests share: a tiny set of drawn shapes and a detector that is really fitted to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_shapes import SHAPES, draw_shape, shape_preprocessing, train_shape_network
from PIL import Image

import reason
from reason.base.backbones import tap
from reason.base.extraction import Extractor
from reason.data.datasets.imagenette import CLASSES, FOLDER
from reason.data.image_set import ImageSet, split
from reason.detector.detector import Detector
from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.provenance import Provenance
from reason.fitting.fit_parts import fit_parts
from reason.signals import SignalSettings


@pytest.fixture(scope="session")
def shapes() -> ImageSet:
    """900 shapes, 300 of each."""
    random = np.random.default_rng(0)
    preprocessing = shape_preprocessing()
    labels = [i % 3 for i in range(900)]
    pixels = [preprocessing.pixels(draw_shape(SHAPES[label], random)) for label in labels]
    sources = tuple(f"{SHAPES[label]}/{i:04d}.png" for i, label in enumerate(labels))
    return ImageSet(torch.stack(pixels), SHAPES, labels=torch.tensor(labels), sources=sources)


@pytest.fixture(scope="session")
def detector(shapes: ImageSet) -> Detector:
    """A detector of shapes, fitted as a real one is."""
    base_rows, meta_rows, calibration_rows = split(shapes.labels, (0.4, 0.35), seed=0)
    network = train_shape_network(shapes.take(base_rows))
    base = tap(network, "cnn", dropout=0.2).round_weights().freeze()
    preprocessing = shape_preprocessing()
    extract = Extractor(base, preprocessing, gradient=True, views=True)
    parts = [extract(shapes.take(rows)) for rows in (base_rows, meta_rows, calibration_rows)]
    return fit_parts(
        "tiny",
        base,
        preprocessing,
        SHAPES,
        bank=parts[0],
        meta=parts[1],
        calibration=parts[2],
        signals=SignalSettings(
            families=("softmax", "dropout", "gradient", "neighbours", "layers", "views", "embedding"),
            pca_components=16,
            pca_columns=8,
        ),
        metanet=MetaNetSettings(hidden=(16,), members=2, scalar_members=1),
        risk=0.2,
        architecture="cnn",
        title="Drawn shapes, for tests",
        provenance=Provenance(metrics={"clean": {"accuracy": 0.8}}),
    )


@pytest.fixture(scope="session")
def saved_folder(tmp_path_factory: pytest.TempPathFactory, detector: Detector) -> Path:
    """A folder that holds one bundle, ``tiny``."""
    folder = tmp_path_factory.mktemp("reason_saved")
    reason.save(detector, folder / "tiny")
    return folder


@pytest.fixture(scope="session")
def bundle_folder(saved_folder: Path) -> Path:
    """The bundle ``tiny``; tests must not write to it."""
    return saved_folder / "tiny"


@pytest.fixture
def shape_image() -> Image.Image:
    """One drawn circle."""
    return draw_shape("circle", np.random.default_rng(1))


def draw_stripes(label: int, random: np.random.Generator) -> Image.Image:
    """Draw stripes whose direction and colour tell the class, under noise that hides it at times."""
    x, y = np.meshgrid(np.arange(40), np.arange(40))
    angle = label * np.pi / 10
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) / 2 + random.random() * 6)
    colour = np.eye(3)[label % 3] * 60 + 60
    pixels = wave[..., None] * colour + 120 + random.normal(0, 45, (40, 40, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Imagenette's layout with 40 training and 12 test pictures a class; one training file is damaged."""
    root = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for part, count in (("train", 40), ("val", 12)):
        for label, wnid in enumerate(CLASSES):
            folder = root / FOLDER / part / wnid
            folder.mkdir(parents=True)
            for i in range(count):
                draw_stripes(label, random).save(folder / f"{wnid}_{i:03d}.JPEG", quality=90)
    damaged = root / FOLDER / "train" / "n01440764" / "n01440764_000.JPEG"
    damaged.write_bytes(damaged.read_bytes()[:300])
    return root
