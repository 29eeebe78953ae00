"""A small folder laid out as Imagenette is, with drawn pictures in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reason.datasets import IMAGENETTE_CLASSES, IMAGENETTE_FOLDER


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
        for label, wnid in enumerate(IMAGENETTE_CLASSES):
            folder = root / IMAGENETTE_FOLDER / part / wnid
            folder.mkdir(parents=True)
            for i in range(count):
                draw_stripes(label, random).save(folder / f"{wnid}_{i:03d}.JPEG", quality=90)
    damaged = root / IMAGENETTE_FOLDER / "train" / "n01440764" / "n01440764_000.JPEG"
    damaged.write_bytes(damaged.read_bytes()[:300])
    return root


RECIPE = """
name = "stripes"
title = "Drawn stripes, for tests"
seed = 3

[data]
dataset = "imagenette"
base_share = 0.5
meta_share = 0.3
size = 32
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]

[base]
architecture = "cnn"
dropout = 0.1
batch_size = 16
optimizer = "adamw"
weight_decay = 0.01
warmup_share = 0.3
average_decay = 0.5

[[base.cycles]]
learning_rate = 2e-3
crop_area = 0.7
colour_jitter = 0.1
phases = [{ epochs = 2, size = 24 }, { epochs = 1, size = 32 }]

[[base.cycles]]
learning_rate = 1e-3
crop_area = 0.5
colour_jitter = 0.2
erased_area = 0.2
phases = [{ epochs = 1, size = 32 }]

[signals]
families = ["softmax", "dropout", "gradient", "neighbours", "layers", "views", "embedding", "activations"]
pca_components = 8
pca_columns = 4

[meta_fit]
augmented = 1
crop_area = 0.5
colour_jitter = 0.2
at_home = 1
corrupted = 1
corruptions = ["noise", "occlude", "jpeg"]

[home]
types = ["noise", "occlude"]
chance = 0.5

[metanet]
hidden = [8]
epochs = 40
batch_size = 32
members = 2
scalar_members = 1

[threshold]
risk = 0.3
delta = 0.1
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    """A recipe that trains in seconds."""
    path = tmp_path / "stripes.toml"
    path.write_text(RECIPE)
    return path
