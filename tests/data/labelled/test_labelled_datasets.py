"""Python objects that hold labelled images."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from noise_pictures import noise
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Normalize, RandomHorizontalFlip, ToTensor

from reason.data.image_set import ImageSet
from reason.data.labelled import LabelledImages, open_labelled, split_labelled
from reason.errors import DatasetError


class Drawn(torch.utils.data.Dataset[Any]):
    """Nine pictures of three classes, without a list of labels."""

    def __init__(self, count: int = 9) -> None:
        self.count, self.asked = count, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        self.asked += 1
        return noise(index), index % 3


class Listed(Drawn):
    """The same with a list of labels and of names."""

    classes = ("x", "y", "z")

    def __init__(self) -> None:
        super().__init__()
        self.targets = [index % 3 for index in range(9)]


def shown(images: LabelledImages) -> list[list[Any]]:
    return [np.asarray(image).tolist() for batch in images.batches(4) for image in batch.images]


def drawn(numbers: range | list[int]) -> list[list[Any]]:
    return [np.asarray(noise(number)).tolist() for number in numbers]


def test_a_data_set_is_read_at_its_indices() -> None:
    images = open_labelled(Drawn())
    assert images.labels.tolist() == [0, 1, 2] * 3
    assert images.classes == ("0", "1", "2")
    assert images.sources[:2] == ("Drawn/000000", "Drawn/000001")
    assert shown(images.take(torch.tensor([8, 1]))) == drawn([8, 1])


def test_a_list_of_labels_spares_reading_the_images() -> None:
    data = Listed()
    images = open_labelled(data)
    assert data.asked == 6  # three, twice each
    assert images.classes == ("x", "y", "z")
    assert shown(images) == drawn(range(9))


def test_a_list_of_labels_that_the_items_contradict_is_not_believed() -> None:
    data = Listed()
    data.targets = [2 - label for label in data.targets]  # as where a target_transform is at work
    assert open_labelled(data).labels.tolist() == [0, 1, 2] * 3


def test_labels_and_names_are_found_below_subsets() -> None:
    data = Listed()
    images = open_labelled(Subset(Subset(data, [8, 7, 6, 5, 4]), [0, 2, 3]))
    assert data.asked == 6
    assert images.labels.tolist() == [2, 0, 2]
    assert images.classes == ("x", "y", "z")
    assert shown(images) == drawn([8, 6, 5])


def test_joined_data_sets_are_read_for_their_labels() -> None:
    images = open_labelled(ConcatDataset([Listed(), Drawn()]), classes=("x", "y", "z"))
    assert images.labels.tolist() == [0, 1, 2] * 6


def test_names_are_matched_to_the_outputs() -> None:
    assert open_labelled(Listed(), classes=("z", "y", "x", "w")).labels.tolist() == [2, 1, 0] * 3
    with pytest.raises(DatasetError, match="the data set Listed: the label 'x' and 2 more are none of the 2 classes"):
        open_labelled(Listed(), classes=("a", "b"))


def test_tensors_and_lists_are_data_sets_too(photos: Path) -> None:
    pixels = torch.stack([torch.from_numpy(np.array(noise(n))).permute(2, 0, 1) for n in range(4)])
    labels = torch.tensor([1, 0, 1, 0])
    listed = list(zip(pixels, labels, strict=True))
    for data in (TensorDataset(pixels, labels), TensorDataset(pixels / 255, labels), listed):
        images = open_labelled(data)
        assert images.labels.tolist() == [1, 0, 1, 0]
        assert shown(images) == drawn(range(4))
    paths = ImageFolder(str(photos)).samples
    assert open_labelled(paths).labels.tolist() == open_labelled(photos).labels.tolist()


@pytest.mark.parametrize("labels", [torch.tensor([1, 0, 1]), np.array([1, 0, 1]), ["b", "a", "b"]])
def test_images_and_labels_may_be_two_arrays(labels: Any) -> None:
    images = open_labelled((np.stack([np.asarray(noise(n)) for n in range(3)]), labels))
    assert images.labels.tolist() == [1, 0, 1]
    assert shown(images) == drawn(range(3))


def test_mappings_with_image_and_label_are_pairs() -> None:
    data = [{"img": noise(n), "label": "dog" if n else "cat", "id": n} for n in range(3)]
    images = open_labelled(data)
    assert (images.classes, images.labels.tolist()) == (("cat", "dog"), [0, 1, 1])
    assert shown(images) == drawn(range(3))


def test_an_image_set_is_taken_as_it_is() -> None:
    pixels = torch.randint(0, 256, (4, 1, 6, 6), dtype=torch.uint8)
    held = ImageSet(pixels, ("a", "b"), labels=torch.tensor([0, 1, 1, 0]), sources=("p", "q", "r", "s"))
    images = open_labelled(held, classes=("b", "c", "a"))
    assert images.labels.tolist() == [2, 0, 0, 2]
    assert images.sources == held.sources
    assert np.asarray(shown(images))[..., 1].tolist() == pixels[:, 0].tolist()


def test_labelled_images_are_opened_as_they_are(photos: Path) -> None:
    images = open_labelled(photos)
    assert open_labelled(images) is images
    turned = open_labelled(images, classes=("emu", "dog", "cat"))
    assert turned.labels.tolist() == (2 - images.labels).tolist()


def pairs() -> Iterator[tuple[Image.Image, str]]:
    for number in range(30):
        yield noise(number, width=5 + number % 3), "cat" if number % 3 else "dog"


def test_what_can_be_read_once_is_kept_and_can_be_split() -> None:
    images = open_labelled(pairs())
    assert images.classes == ("cat", "dog")
    assert shown(images) == [np.asarray(picture).tolist() for picture, _ in pairs()]
    assert shown(images) == shown(images)
    assert [len(part) for part in split_labelled(images, (0.5, 0.3), 0)] == [15, 9, 6]


class Streaming(torch.utils.data.IterableDataset[Any]):
    """The same pairs, with a length."""

    def __len__(self) -> int:
        return 30

    def __iter__(self) -> Iterator[Any]:
        return pairs()


def test_iterable_data_sets_are_read_once_even_where_they_have_a_length() -> None:
    assert shown(open_labelled(Streaming())) == [np.asarray(picture).tolist() for picture, _ in pairs()]


def test_what_cannot_be_decoded_is_left_out_of_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    images = open_labelled(item for item in [(noise(0), 0), (b"text", 1), (noise(2), 1)])
    assert images.sources == ("000000", "000002")
    assert images.labels.tolist() == [0, 1]
    assert "left out: 000001: not an image" in capsys.readouterr().err


class Breaks(Drawn):
    """Fails at one item."""

    def __init__(self, error: Exception, at: int = 5) -> None:
        super().__init__()
        self.error, self.at = error, at
        self.targets = [index % 3 for index in range(9)]

    def __getitem__(self, index: int) -> Any:
        if index == self.at:
            raise self.error
        return super().__getitem__(index)


@pytest.mark.parametrize("at", [0, 5])
def test_a_file_of_a_data_set_that_cannot_be_read_is_left_out(at: int) -> None:
    images = open_labelled(Breaks(OSError("image file is truncated"), at))
    assert images.problems() == (f"Breaks/{at:06d}: cannot be read (image file is truncated).",)


@pytest.mark.parametrize("at", [0, 5])
def test_a_data_set_that_fails_is_one_sentence(at: int) -> None:
    with pytest.raises(DatasetError, match=f"Breaks/{at:06d}: the data set fails to give it \\(KeyError: 'a'\\); mend"):
        open_labelled(Breaks(KeyError("a"), at)).digests()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "the data set list is empty"),
        (iter([]), "the data give no image; .* An iterator can be read only once"),
        (42, "int holds no labelled images"),
        ({"a": 1}, "is no pair of an image and its label"),
        ([noise(0), noise(1)], "list/000000: Image is no pair of an image and its label"),
        ([(noise(0), 0.5), (noise(1), 1)], r"list/000000: its label is no class but 0\.5; give a name or an index"),
        ([(noise(0), [0, 1]), (noise(1), [1, 0])], r"its label is no class but \[0, 1\]"),
        ([(noise(0), -1), (noise(1), 1)], "the label -1 is none of 0 to 1"),
        ([(noise(0), 10**9), (noise(1), 1)], "the label 1000000000 is none of 0 to 999999"),
        ((np.zeros((3, 4, 4, 3), np.uint8), [0, 1]), "the arrays hold 3 images but 2 labels; give one label each"),
        ([{"pixels": 1}], "a mapping with the keys pixels; give it image and label"),
        (DataLoader(Drawn()), r"a DataLoader gives batches; give its data set \(loader.dataset\) instead"),
    ],
)
def test_what_holds_no_labelled_images_is_refused(data: object, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        open_labelled(data)


def test_standardised_images_are_refused_at_once(photos: Path) -> None:
    transform = Compose([ToTensor(), Normalize((0.5,) * 3, (0.25,) * 3)])
    with pytest.raises(DatasetError, match="put mean and std into the preprocessing"):
        open_labelled(ImageFolder(str(photos), transform=transform))


def test_random_transforms_are_refused(photos: Path) -> None:
    torch.manual_seed(0)
    with pytest.raises(DatasetError, match="is another picture at each call; take random transforms away"):
        open_labelled(ImageFolder(str(photos), transform=RandomHorizontalFlip()))


def cifar(root: Path) -> None:
    """Write the test part of CIFAR10 as torchvision looks for it, of 20 pictures."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    data = {"data": random.integers(0, 256, (20, 3072), dtype=np.uint8), "labels": [n % 10 for n in range(20)]}
    (folder / "test_batch").write_bytes(pickle.dumps(data))
    names = {"label_names": ["plane", *"abcdefghi"]}
    (folder / "batches.meta").write_bytes(pickle.dumps(names))


def test_torchvision_sets_are_opened_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar(tmp_path)
    monkeypatch.setattr("torchvision.datasets.CIFAR10._check_integrity", lambda self: True)  # of these files
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *arguments: True)
    images = open_labelled(f"torchvision:CIFAR10@{tmp_path}")
    assert len(images) == 20
    assert images.classes[0] == "plane"
    assert images.labels.tolist() == [n % 10 for n in range(20)]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("torchvision:CIFAR10", "write torchvision:NAME@FOLDER, as torchvision:CIFAR10@data"),
        ("torchvision:CIFAR11@x", r"torchvision has no data set CIFAR11; did you mean CIFAR10\?"),
        ("torchvision:CIFAR10@nowhere", r"CIFAR10 was not found in nowhere .*; nothing is downloaded by itself: run"),
        ("torchvision:MNIST/tets@nowhere", "MNIST: it has no such part; name a part it has"),
        ("torchvision:SVHN/tets@nowhere", "SVHN: Unknown value 'tets' for argument split"),
        ("torchvision:CocoDetection@x", "CocoDetection: cannot be opened by name"),
    ],
)
def test_what_torchvision_does_not_have_is_said(spec: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        open_labelled(spec)
