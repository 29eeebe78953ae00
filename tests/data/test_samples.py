"""Pictures to try a bundle on: the data set's own where they are on the machine, else those of a package."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reason.data.datasets import find_samples
from reason.data.datasets.imagenette import PHOTOS
from reason.data.images import decode, to_png
from reason.data.samples import Sample
from reason.errors import DatasetError, SampleError

DATA = Path(os.environ.get("REASON_DATA", Path(__file__).parents[2] / "data"))


def pixels(sample: Sample) -> np.ndarray:
    return np.asarray(decode(sample.data))


def write_digits(root: Path, digits: np.ndarray, labels: list[int]) -> None:
    """Write MNIST's test files, in their documented format."""
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    count, rows, columns = digits.shape
    (folder / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, count, rows, columns) + digits.tobytes())
    (folder / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + bytes(labels))


def test_test_digits_of_mnist(tmp_path: Path) -> None:
    digits = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    write_digits(tmp_path, digits, [7, 2, 1])
    samples = find_samples("mnist", tmp_path)
    assert (samples.source, len(samples)) == ("MNIST test", 3)
    assert [samples[i].label for i in range(3)] == ["7", "2", "1"]
    for i in range(3):
        assert samples[i].media_type == "image/png"
        assert (pixels(samples[i]) == digits[i][:, :, None]).all()


def test_damaged_digits_are_not_passed_over(tmp_path: Path) -> None:
    write_digits(tmp_path, np.zeros((2, 28, 28), np.uint8), [1, 2])
    pictures = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    pictures.write_bytes(pictures.read_bytes()[:900])
    with pytest.raises(DatasetError, match="damaged"):
        find_samples("mnist", tmp_path)


def test_digits_of_scikit_learn_without_mnist(tmp_path: Path) -> None:
    samples = find_samples("mnist", tmp_path)
    assert (samples.source, len(samples)) == ("scikit-learn digits", 1797)
    assert [samples[i].label for i in (0, 1, 2, 1796)] == ["0", "1", "2", "8"]
    shown = pixels(samples[0])
    assert shown.shape == (28, 28, 3)
    # The first digit, a zero, has 16 levels: ink 294 of 64 * 16, a hole of 0 and strokes of 15.
    assert shown.mean() == pytest.approx(294 / (64 * 16) * 255, abs=2)
    assert shown[12:16, 13:15].max() < 30
    assert shown.max() > 230


def test_photos_of_imagenette_take_turns(tmp_path: Path) -> None:
    val = tmp_path / "imagenette2-320" / "val"
    written: dict[str, bytes] = {}
    for name in ("n01440764/a", "n01440764/b", "n01440764/c", "n02102040/d", "n03888257/e"):
        path = val / f"{name}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 9), (len(written) * 40, 0, 0)).save(path)
        written[f"{name}.JPEG"] = path.read_bytes()
    samples = find_samples("imagenette", tmp_path)
    shown = [samples[i] for i in range(len(samples))]
    assert samples.source == "Imagenette val"
    assert [sample.name[-6] for sample in shown] == ["a", "d", "e", "b", "c"]
    assert [sample.label for sample in shown] == ["tench", "English springer", "parachute", "tench", "tench"]
    assert {sample.name: sample.data for sample in shown} == written
    assert {sample.media_type for sample in shown} == {"image/jpeg"}


def test_photos_of_scikit_image_without_imagenette(tmp_path: Path) -> None:
    skimage = pytest.importorskip("skimage")
    samples = find_samples("imagenette", tmp_path)
    assert (samples.source, samples.names) == ("scikit-image photos", PHOTOS)
    for i, name in enumerate(PHOTOS):
        sample = samples[i]
        assert (sample.name, sample.label) == (name, None)
        assert sample.data == (Path(skimage.__file__).parent / "data" / name).read_bytes()
        assert sample.media_type == {".png": "image/png", ".jpg": "image/jpeg"}[Path(name).suffix]


def test_no_photos_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(SampleError, match="pip install scikit-image"):
        find_samples("imagenette", tmp_path)


def test_data_set_without_samples(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="the data set birds"):
        find_samples("birds", tmp_path)


@pytest.mark.parametrize("index", [-1, 1797])
def test_index_out_of_range(tmp_path: Path, index: int) -> None:
    with pytest.raises(IndexError, match="there are 1797 samples"):
        find_samples("mnist", tmp_path)[index]


def test_png_loses_nothing() -> None:
    colours = np.random.default_rng(1).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    assert (np.asarray(decode(to_png(Image.fromarray(colours)))) == colours).all()


@pytest.mark.data
@pytest.mark.parametrize(("dataset", "count", "label"), [("mnist", 10_000, "7"), ("imagenette", 3925, "tench")])
def test_real_data_sets(dataset: str, count: int, label: str) -> None:
    if not DATA.is_dir():
        pytest.skip(f"There are no data sets in {DATA}; set REASON_DATA")
    samples = find_samples(dataset, DATA)
    assert (len(samples), samples[0].label) == (count, label)
    assert decode(samples[count - 1].data).mode == "RGB"
