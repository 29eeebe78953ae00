"""Splits are disjoint, complete and fair to each class; damaged photos are named and left out."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reason.data.corruptions import corrupt_pixels
from reason.data.datasets import DATASETS, DataSet, read, read_ood
from reason.data.datasets.imagenette import CLASSES, read_imagenette
from reason.data.datasets.mnist import read_mnist
from reason.data.image_set import ImageSet, corrupted, split
from reason.data.images import Preprocessing
from reason.data.labels import CLEAN, OOD_LABEL
from reason.errors import DatasetError

DIGITS = Preprocessing(28, "L", (0.5,), (0.25,))
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
    assert images.classes == tuple(CLASSES.values())
    assert images.pixels.shape == (399, 3, 32, 32)
    assert images.sources[0] == "n01440764/n01440764_001.JPEG"


def test_labels_follow_the_folders(data_root: Path) -> None:
    images = read_imagenette(data_root, "test", PREPROCESSING)
    wnids = list(CLASSES)
    assert [wnids[label] for label in images.labels] == [source.split("/")[0] for source in images.sources]


def test_a_missing_data_set_names_the_folder_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"imagenette2-320/train; `reason train --download`") as raised:
        read_imagenette(tmp_path, "train", PREPROCESSING)
    assert str(tmp_path) in str(raised.value)


def test_the_fingerprint_sees_every_change(data_root: Path) -> None:
    images = read_imagenette(data_root, "test", PREPROCESSING)
    fingerprint = images.fingerprint()
    assert fingerprint == read_imagenette(data_root, "test", PREPROCESSING).fingerprint()
    images.pixels[3, 0, 0, 0] ^= 1
    assert images.fingerprint() != fingerprint


def write_idx(folder: Path, stem: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Write a pair of files as MNIST's are: big-endian magic number, sizes, bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    pixels, labels = random.integers(0, 256, (n, 28, 28), np.uint8), random.integers(0, 10, n, np.uint8)
    header = struct.pack(">IIII", 0x803, n, 28, 28)
    (folder / f"{stem}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
    (folder / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, n) + labels.tobytes())
    return pixels, labels


def test_digits_are_read_as_they_are(tmp_path: Path) -> None:
    pixels, labels = write_idx(tmp_path / "MNIST/raw", "t10k", 7)
    images = read_mnist(tmp_path, "test", DIGITS)
    assert np.array_equal(images.pixels[:, 0].numpy(), pixels)
    assert images.labels.tolist() == labels.tolist()
    assert images.classes == tuple("0123456789")
    assert images.sources[3] == "test/00003"


def test_letters_belong_to_no_class(tmp_path: Path) -> None:
    _, labels = write_idx(tmp_path / "notMNIST/raw", "t10k", 5)
    images = read_ood("letters", tmp_path, DIGITS)
    assert images.labels.tolist() == [OOD_LABEL] * 5
    assert images.sources[0] == f"{'ABCDEFGHIJ'[labels[0]]}/00000"


def test_missing_and_damaged_digits_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="train-images-idx3-ubyte was not found; `reason train --download`"):
        read_mnist(tmp_path, "train", DIGITS)
    write_idx(tmp_path / "MNIST/raw", "train", 4)
    file = tmp_path / "MNIST/raw/train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte: damaged, or no file of this kind; delete it"):
        read_mnist(tmp_path, "train", DIGITS)


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x03", b"P5 28 28 255\n" + b"\0" * 784])
def test_a_file_of_another_kind_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    write_idx(tmp_path / "MNIST/raw", "train", 4)
    (tmp_path / "MNIST/raw/train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DatasetError, match="damaged, or no file of this kind"):
        read_mnist(tmp_path, "train", DIGITS)


def test_images_and_labels_of_different_number_are_one_sentence(tmp_path: Path) -> None:
    write_idx(tmp_path / "MNIST/raw", "train", 4)
    labels = tmp_path / "MNIST/raw/train-labels-idx1-ubyte"
    labels.write_bytes(struct.pack(">II", 0x801, 3) + labels.read_bytes()[8:11])
    with pytest.raises(DatasetError, match="4 images but 3 labels in its train files; fetch them again"):
        read_mnist(tmp_path, "train", DIGITS)


def test_corruption_is_logged_with_each_image(tmp_path: Path) -> None:
    write_idx(tmp_path / "MNIST/raw", "t10k", 400)
    clean = read_mnist(tmp_path, "test", DIGITS)
    changed = corrupted(clean, ("occlude", "shift"), seed=3, chance=0.75)
    assert changed.severities is not None
    names = np.array(changed.corruptions)
    counts = {name: int((names == name).sum()) for name in (CLEAN, "occlude", "shift")}
    assert counts[CLEAN] == pytest.approx(100, abs=30)
    assert counts["occlude"] == pytest.approx(150, abs=35)
    assert sum(counts.values()) == 400
    for row, name in enumerate(changed.corruptions):
        assert (name == CLEAN) == (changed.severities[row] == 0)
        assert name != CLEAN or torch.equal(changed.pixels[row], clean.pixels[row])
    assert torch.equal(corrupted(clean, ("occlude", "shift"), seed=3, chance=0.75).pixels, changed.pixels)
    assert changed.take(torch.tensor([5, 2])).corruptions == (changed.corruptions[5], changed.corruptions[2])


def test_a_fixed_severity_holds_for_all(tmp_path: Path) -> None:
    write_idx(tmp_path / "MNIST/raw", "t10k", 6)
    clean = read_mnist(tmp_path, "test", DIGITS)
    changed = corrupted(clean, ("rotate",), seed=0, severity=0.5)
    assert changed.severities is not None
    assert changed.severities.tolist() == [0.5] * 6
    assert torch.equal(changed.pixels, corrupt_pixels("rotate", clean.pixels, 0.5, 0))  # it draws nothing


# A data set is declared in one place


def read_squares(root: Path, part: str, preprocessing: Preprocessing) -> ImageSet:
    shade = {"train": 10, "test": 20}[part]
    pixels = torch.full((2, preprocessing.channels, preprocessing.size, preprocessing.size), shade, dtype=torch.uint8)
    return ImageSet(pixels, ("dark", "light"), labels=torch.tensor([0, 1]), sources=("a", "b"), skipped=("c: damaged",))


def test_a_data_set_of_ones_own_is_read_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetched: list[Path] = []
    with DATASETS.temporarily(DataSet("squares", read_squares, fetch=fetched.append)):
        train = read("squares", tmp_path, "train", DIGITS)
        assert fetched == []
        test = read("squares", tmp_path, "test", DIGITS, download=True)
    assert fetched == [tmp_path]
    assert (int(train.pixels[0, 0, 0, 0]), int(test.pixels[0, 0, 0, 0])) == (10, 20)
    assert capsys.readouterr().err == "left out: c: damaged\n" * 2


def test_any_data_set_can_be_out_of_distribution_for_another(tmp_path: Path) -> None:
    with DATASETS.temporarily(DataSet("squares", read_squares)):
        images = read_ood("squares", tmp_path, DIGITS)
    assert images.labels.tolist() == [OOD_LABEL] * 2
    assert images.classes == ()
    assert images.sources == ("a", "b")


def test_a_name_of_our_own_is_taken_from_the_start() -> None:
    program = "from reason.data.datasets import DATASETS, DataSet\nDATASETS.register(DataSet('mnist', lambda *_: None))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.endswith("DatasetError: mnist: there is a data set of this name already; choose another.\n")


def test_a_part_that_a_data_set_lacks_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^the data set letters has no images to train on; take another\.$"):
        read("letters", tmp_path, "train", DIGITS)


def test_an_unknown_data_set_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^mnits: there is no such data set; did you mean mnist\?$"):
        read("mnits", tmp_path, "train", DIGITS)


def test_what_is_out_of_distribution_is_a_data_set_itself() -> None:
    named = {known.ood for known in DATASETS.values()} - {None}
    assert named == {"textures", "letters"}
    assert all(name in DATASETS for name in named)
