"""Splits are disjoint, complete and fair to each class; damaged photos are named and left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reason.datasets import IMAGENETTE_CLASSES, read_imagenette, split
from reason.errors import DatasetError
from reason.images import Preprocessing

PREPROCESSING = Preprocessing(32, "RGB", (0.5,) * 3, (0.25,) * 3)


@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=200),
    shares=st.lists(st.floats(0.05, 0.3), min_size=1, max_size=3),
    seed=st.integers(0, 100),
)
def test_parts_are_disjoint_complete_and_stratified(labels: list[int], shares: list[float], seed: int) -> None:
    tensor = torch.tensor(labels)
    parts = split(tensor, shares, seed)
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(len(labels)))
    for part, share in zip(parts, shares, strict=False):
        for label in range(4):
            assert abs(int((tensor[part] == label).sum()) - share * int((tensor == label).sum())) <= 1


def test_the_seed_decides_the_split() -> None:
    labels = torch.arange(100) % 5
    first, again, other = (split(labels, [0.5], seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_damaged_photo_is_named_and_left_out(data_root: Path) -> None:
    images = read_imagenette(data_root, "train", PREPROCESSING)
    assert len(images) == 399
    assert len(images.skipped) == 1
    assert "n01440764_000.JPEG: damaged or truncated" in images.skipped[0]
    assert images.classes == tuple(IMAGENETTE_CLASSES.values())
    assert images.pixels.shape == (399, 3, 32, 32)
    assert images.sources[0] == "n01440764/n01440764_001.JPEG"


def test_labels_follow_the_folders(data_root: Path) -> None:
    images = read_imagenette(data_root, "test", PREPROCESSING)
    wnids = list(IMAGENETTE_CLASSES)
    assert [wnids[label] for label in images.labels] == [source.split("/")[0] for source in images.sources]


def test_a_missing_data_set_names_the_folder_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"imagenette2-320/train; add --download") as raised:
        read_imagenette(tmp_path, "train", PREPROCESSING)
    assert str(tmp_path) in str(raised.value)


def test_the_fingerprint_sees_every_change(data_root: Path) -> None:
    images = read_imagenette(data_root, "test", PREPROCESSING)
    fingerprint = images.fingerprint()
    assert fingerprint == read_imagenette(data_root, "test", PREPROCESSING).fingerprint()
    images.pixels[3, 0, 0, 0] ^= 1
    assert images.fingerprint() != fingerprint
