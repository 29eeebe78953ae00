"""A recipe for the small folder of drawn pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

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
on_target = 1
corrupted = 1
corruptions = ["noise", "occlude", "jpeg"]

[target]
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
