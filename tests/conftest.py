"""Fixtures that all tests share: a tiny set of drawn shapes and a detector that is really fitted to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch.nn import functional

import reason
from reason.backbones import make, tap
from reason.datasets import ImageSet, split
from reason.detector import Detector
from reason.fit import extract, fit_detector
from reason.images import Preprocessing
from reason.metanet import MetaNetSettings
from reason.signals import SignalSettings
from train.base import rounded_to_half

SHAPES = ("circle", "cross", "square")


def draw_shape(name: str, random: np.random.Generator, side: int = 32) -> Image.Image:
    """Draw one shape at a random place, with colours so close and noise so strong that some are hard to tell."""
    image = Image.new("RGB", (side, side), tuple(random.integers(60, 120, 3).tolist()))
    pen = ImageDraw.Draw(image)
    colour = tuple(random.integers(125, 230, 3).tolist())
    x, y = random.integers(10, side - 10, 2).tolist()
    r = int(random.integers(6, 10))
    if name == "circle":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    elif name == "square":
        pen.rectangle((x - r, y - r, x + r, y + r), fill=colour)
    else:
        pen.rectangle((x - r, y - 2, x + r, y + 2), fill=colour)
        pen.rectangle((x - 2, y - r, x + 2, y + r), fill=colour)
    noisy = np.asarray(image) + random.normal(0, 25, (side, side, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def shapes() -> ImageSet:
    """900 shapes, 300 of each."""
    random = np.random.default_rng(0)
    preprocessing = shape_preprocessing()
    labels = [i % 3 for i in range(900)]
    pixels = [preprocessing.pixels(draw_shape(SHAPES[label], random)) for label in labels]
    sources = tuple(f"{SHAPES[label]}/{i:04d}.png" for i, label in enumerate(labels))
    return ImageSet(torch.stack(pixels), torch.tensor(labels), sources, SHAPES)


def shape_preprocessing() -> Preprocessing:
    return Preprocessing(size=32, mode="RGB", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def train_shape_network(shapes: ImageSet, epochs: int = 6) -> torch.nn.Module:
    torch.manual_seed(0)
    network = make("cnn", len(SHAPES), dropout=0.2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    images = shape_preprocessing().normalise(shapes.pixels)
    for _ in range(epochs):
        for rows in torch.randperm(len(shapes)).split(32):
            loss = functional.cross_entropy(network(images[rows]), shapes.labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return rounded_to_half(network)


@pytest.fixture(scope="session")
def detector(shapes: ImageSet) -> Detector:
    """A detector of shapes, fitted as a real one is."""
    base_rows, meta_rows, calibration_rows = split(shapes.labels, (0.4, 0.35), seed=0)
    network = train_shape_network(shapes.take(base_rows))
    base = tap(network, "cnn", dropout=0.2).freeze()
    preprocessing = shape_preprocessing()
    parts = [
        extract(base, preprocessing, shapes.take(rows), gradient=True)
        for rows in (base_rows, meta_rows, calibration_rows)
    ]
    return fit_detector(
        "tiny",
        base,
        preprocessing,
        SHAPES,
        bank=parts[0],
        meta=parts[1],
        calibration=parts[2],
        signals=SignalSettings(
            families=("softmax", "dropout", "gradient", "neighbours", "embedding"),
            pca_components=16,
            pca_columns=8,
        ),
        metanet_settings=MetaNetSettings(hidden=(16,), members=2),
        risk=0.2,
        architecture="cnn",
        title="Drawn shapes, for tests",
        card={"metrics": {"clean": {"accuracy": 0.8}}},
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
