"""Tables of paths and labels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch
from noise_pictures import noise
from pyarrow import parquet

from reason.data.labelled import open_labelled, split_labelled
from reason.errors import DatasetError

ROWS = "path,label\na/0.png,dog\na/1.png,cat\nb/2.png,dog\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three pictures in two folders."""
    for number, name in enumerate(("a/0.png", "a/1.png", "b/2.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        noise(number).save(tmp_path / name)
    return tmp_path


def write(folder: Path, text: str, name: str = "data.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        "\ufeff" + ROWS,
        ROWS.replace("\n", "\r\n") + "\r\n\r\n",
        ROWS.replace(",", ";"),
        ROWS.replace("path,label", "Class , Image").replace("a/0.png,dog", "dog,a/0.png")
        .replace("a/1.png,cat", "cat,a/1.png").replace("b/2.png,dog", 'dog,"b/2.png"'),
        "filename,target,path_of_old\na/0.png,dog,x\na/1.png,cat,y\nb/2.png,dog,z\n",
    ],
    ids=["plain", "byte order mark", "carriage returns", "semicolons", "columns turned", "a third column"],
)  # fmt: skip
def test_a_table_is_read_however_it_is_written(folder: Path, text: str) -> None:
    images = open_labelled(write(folder, text))
    assert images.sources == ("a/0.png", "a/1.png", "b/2.png")
    assert images.classes == ("cat", "dog")
    assert images.labels.tolist() == [1, 0, 1]
    (batch,) = images.batches(3)
    for number, image in enumerate(batch.images):
        np.testing.assert_array_equal(np.asarray(image), np.asarray(noise(number)))


def test_tabs_separate_too(folder: Path) -> None:
    assert open_labelled(write(folder, ROWS.replace(",", "\t"), "data.tsv")).labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize("labels", [["dog", "cat", "dog"], [1, 0, 1]], ids=["names", "indices"])
def test_parquet_is_read(folder: Path, labels: list[str] | list[int]) -> None:
    table = {"file_name": ["a/0.png", str(folder / "a" / "1.png"), "b/2.png"], "label": labels, "size": [[1], [2], [3]]}
    parquet.write_table(pyarrow.table(table), folder / "data.parquet")
    images = open_labelled(folder / "data.parquet", classes=("cat", "dog"))
    assert images.sources == ("a/0.png", "a/1.png", "b/2.png")
    assert images.labels.tolist() == [1, 0, 1]
    assert images.problems() == ()


def test_parquet_that_holds_the_images_themselves_is_refused(folder: Path) -> None:
    table = pyarrow.table({"image": [{"bytes": b"x", "path": "a"}, {"bytes": b"y", "path": "b"}], "label": [0, 1]})
    parquet.write_table(table, folder / "data.parquet")
    with pytest.raises(DatasetError, match=r"data.parquet: has no column of paths \(columns: label\)"):
        open_labelled(folder / "data.parquet")


def test_parquet_needs_a_package_that_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DatasetError, match=r"which is not installed; `pip install 'reason\[parquet\]'`, or give CSV"):
        open_labelled(write(folder, "", "data.parquet"))


def test_a_column_of_groups_says_what_stays_together(folder: Path) -> None:
    for number in range(40):
        noise(number).save(folder / f"{number}.png")
    rows = [f"{number}.png,{number % 2},patient {number // 8}" for number in range(40)]
    images = open_labelled(write(folder, "\n".join(["path,label,Group", *rows])))
    assert images.take(torch.tensor([39, 0])).groups == ("patient 4", "patient 0")
    parts = split_labelled(images, (0.4, 0.3), seed=3)
    assert sum(map(len, parts)) == 40
    assert all(len(part) % 8 == 0 for part in parts)
    assert len({group for part in parts for group in set(part.groups)}) == 5


def test_indices_are_ordered_as_numbers(folder: Path) -> None:
    images = open_labelled(write(folder, "path,label\na/0.png,10\na/1.png,9\nb/2.png,0\n"))
    assert images.labels.tolist() == [10, 9, 0]
    assert images.classes == tuple(map(str, range(11)))


def test_numbers_may_be_names(folder: Path) -> None:
    table = write(folder, "path,label\na/0.png,7\na/1.png,3\nb/2.png,7\n")
    assert open_labelled(table, classes=("7", "5", "3")).labels.tolist() == [0, 2, 0]


def test_paths_may_lead_out_of_the_folder(folder: Path) -> None:
    (folder / "tables").mkdir()
    table = write(folder / "tables", "path,label\n../a/0.png,1\n../a/1.png,0\n")
    images = open_labelled(table)
    assert images.problems() == ()
    assert len(set(images.digests())) == 2


def test_some_images_may_have_gone(folder: Path) -> None:
    images = open_labelled(write(folder, ROWS + "c/3.png,cat\n"))
    assert images.problems() == ("c/3.png: cannot be read (No such file or directory).",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has no column of paths \(columns: none\); call one path or file or image"),
        ("a/0.png,dog\na/1.png,cat\n", r"has no column of paths \(columns: a/0.png, dog\)"),
        ("path,size\na/0.png,3\n", r"has no column of labels \(columns: path, size\); call one label or class"),
        ("path,label\n", "has no rows; write one an image"),
        ("path,label\na/0.png,dog\na/1.png\n", "row 3 has 1 fields, but the head 2"),
        ("path,label\na/0.png,dog\na/1.png,\n", "row 3 has no label; fill it in or drop it"),
        ("path,label\n,dog\n", "row 2 has no path"),
        (
            "path,label\na/0.png,dog\na/1.png,cat\na/0.png,cat\n",
            "a/0.png stands in rows 2 and 4; list each image",
        ),
        (
            "path,label\n0.png,dog\n1.png,cat\n",
            "none of its 2 images is there, such as .*0.png; write paths",
        ),
        ("path,label\na/0.png,dog\na/1.png,dog\n", "all 2 images are of the class 'dog'"),
        ('path,label\na/0.png,"dog\n', "the table is malformed"),
        ("path,label\na/0.png,-1\na/1.png,0\n", "the label -1 is none of 0 to 1"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(folder: Path, text: str, message: str) -> None:
    classes = ("a", "b") if "-1" in text else None
    with pytest.raises(DatasetError, match=f"data.csv: {message}"):
        open_labelled(write(folder, text), classes=classes)


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_a_table_of_other_bytes_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\xd8\xff" * 100)
    with pytest.raises(DatasetError, match=f"{name}: the table"):
        open_labelled(folder / name)


def test_an_index_that_no_output_has_is_refused(folder: Path) -> None:
    table = write(folder, "path,label\na/0.png,2\na/1.png,0\n")
    with pytest.raises(DatasetError, match="the label 2 is none of 0 to 1, the indices of its 2 classes; count"):
        open_labelled(table, classes=("cat", "dog"))
