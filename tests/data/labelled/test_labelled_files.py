"""Folders with one subfolder a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from reason.data.labelled import LabelledImages, open_labelled
from reason.errors import DatasetError


def pictures(images: LabelledImages, size: int = 4) -> list[Image.Image]:
    return [image for batch in images.batches(size) for image in batch.images]


def test_a_folder_is_read_as_torchvision_reads_it(photos: Path) -> None:
    images, known = open_labelled(photos), ImageFolder(str(photos))
    assert images.classes == tuple(known.classes) == ("cat", "dog", "emu")
    assert {images.sources[row]: int(label) for row, label in enumerate(images.labels)} == {
        Path(path).relative_to(photos).as_posix(): label for path, label in known.samples
    }
    theirs = {Path(path).relative_to(photos).as_posix(): np.asarray(Image.open(path)) for path, _ in known.samples}
    for source, picture in zip(images.sources, pictures(images), strict=True):
        np.testing.assert_array_equal(np.asarray(picture), theirs[source])


def test_classes_give_the_order_of_the_outputs(photos: Path, tmp_path: Path) -> None:
    names = tmp_path / "classes.txt"
    names.write_text("emu\nfox\n\n dog \ncat\n")
    images = open_labelled(str(photos), classes=names)
    assert images.classes == ("emu", "fox", "dog", "cat")
    assert images.labels.bincount(minlength=4).tolist() == [4, 0, 5, 6]
    names.write_text('["emu", "fox", "dog", "cat"]')
    assert open_labelled(photos, classes=str(names)).labels.equal(images.labels)


def test_rows_are_taken_in_the_order_asked_for(photos: Path) -> None:
    images = open_labelled(photos)
    part = images.take(images.labels.argsort(descending=True)[:3]).take(images.labels.new_tensor([2, 0]))
    assert part.sources == ("emu/13.png", "emu/11.png")
    assert part.labels.tolist() == [2, 2]
    assert [np.asarray(image).tolist() for image in pictures(part)] == [
        np.asarray(Image.open(photos / source)).tolist() for source in part.sources
    ]


@pytest.mark.parametrize("parts", [("train",), ("train", "val"), ("Test", "train", "valid")])
def test_a_folder_of_parts_is_refused_with_the_part_to_give(tmp_path: Path, parts: tuple[str, ...]) -> None:
    for part in parts:
        (tmp_path / part / "cat").mkdir(parents=True)
    with pytest.raises(
        DatasetError, match=r"are parts of a data set, not classes; give one of them .* such as .*/\w+\.$"
    ):
        open_labelled(tmp_path)


def test_classes_may_be_called_like_parts_where_they_are_named(photos: Path) -> None:
    (photos / "cat").rename(photos / "train")
    (photos / "dog").rename(photos / "test")
    (photos / "emu").rename(photos / "val")
    assert len(open_labelled(photos, classes=("train", "test", "val"))) == 15


def test_a_label_that_is_no_class_is_named_with_a_suggestion(photos: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"photos: the label 'dog' is none of the 3 classes \(cat, dogs, emu\); did you mean dogs\?$"
    ):
        open_labelled(photos, classes=("cat", "dogs", "emu"))
    with pytest.raises(DatasetError, match=r"the label 'cat' and 2 more are none .*, \.\.\.\); name the outputs by"):
        open_labelled(photos, classes=tuple(f"n{number:08d}" for number in range(1000)))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("missing", "missing: there is no such file or folder"),
        ("empty", "empty: holds no image in a subfolder; put those of each class into a subfolder"),
        ("flat", "flat: holds no image in a subfolder"),
        ("one", "one: all 1 images are of the class 'cat'; give images of at least two"),
        ("hollow", "hollow/dog: holds no image; delete it, or name the classes"),
        ("text.zip", "text.zip: no labelled images; give a folder"),
    ],
)
def test_what_is_no_folder_of_classes_is_refused(tmp_path: Path, broken: str, message: str) -> None:
    for name in ("empty", "flat", "one/cat", "hollow/cat", "hollow/dog"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("flat/a.png", "one/cat/a.png", "hollow/cat/a.png", "text.zip", "hollow/dog/notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match=message):
        open_labelled(tmp_path / broken)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat\ncat\n", "names the class 'cat' more than once"),
        ("cat\n", "names 1 classes"),
        ('["cat"', "no JSON"),
        ('{"cat": 1}', "must be a JSON list of names"),
        (b"\xff\xfe", "the class names are no UTF-8 text"),
        (None, "the class names cannot be read"),
    ],
)
def test_a_file_of_classes_is_checked(photos: Path, tmp_path: Path, text: str | bytes | None, message: str) -> None:
    names = tmp_path / "classes"
    if text is not None:
        names.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DatasetError, match=f"classes: {message}"):
        open_labelled(photos, classes=names)


def test_files_that_cannot_be_read_are_named_and_left_out(photos: Path) -> None:
    (photos / "cat" / "00.png").write_bytes((photos / "cat" / "00.png").read_bytes()[:60])
    (photos / "cat" / "03.png").write_text("no image")
    images = open_labelled(photos)
    (photos / "dog" / "06.png").unlink()
    batches = list(images.batches(4))
    assert [batch.rows.tolist() for batch in batches] == [[1, 2], [4, 5, 7], [8, 9, 10, 11], [12, 13, 14]]
    assert [len(batch) for batch in batches] == [2, 3, 4, 3]
    assert batches[1].sources == ("cat/04.png", "cat/05.png", "dog/08.png")
    sentences = [sentence for batch in batches for sentence in batch.skipped]
    assert [sentence.split(":")[0] for sentence in sentences] == ["cat/00.png", "cat/03.png", "dog/06.png"]
    assert images.problems() == tuple(sentences)
    assert [row for row, digest in enumerate(images.digests()) if digest is None] == [0, 3, 6]
