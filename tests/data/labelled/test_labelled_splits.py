"""Parts of labelled images: disjoint, stratified, and made by names and contents alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from noise_pictures import noise
from PIL import Image
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from reason.data.labelled import (
    LabelledImages,
    Pictures,
    contradictory,
    duplicates,
    open_labelled,
    overlapping,
    split_labelled,
)
from reason.data.labelled.images import Content
from reason.errors import DatasetError


class Never(Pictures):
    """Pictures that nobody may decode, for their digests are known."""

    def read(self, place: int, name: str) -> Image.Image:
        raise AssertionError(name)


def known(labels: Sequence[int], digests: Sequence[str | None], names: Sequence[str] | None = None) -> LabelledImages:
    """Return images whose content is known; ``None`` stands for one that cannot be decoded."""
    content = Content()
    for place, digest in enumerate(digests):
        if digest is None:
            content.problems[place] = "damaged"
        else:
            content.digests[place] = digest
    sources = tuple(names or [f"{place:05d}" for place in range(len(labels))])
    return LabelledImages(torch.tensor(labels), sources, ("a", "b", "c"), Never(), torch.arange(len(labels)), content)


SHARES = st.lists(st.floats(0.01, 0.32), min_size=1, max_size=3)
LABELS = st.lists(st.integers(0, 2), min_size=1, max_size=60)


@given(LABELS, SHARES, st.integers(0, 5))
def test_every_image_is_in_one_part_and_every_class_in_its_share(
    labels: list[int], shares: list[float], seed: int
) -> None:
    images = known(labels, [str(place) for place in range(len(labels))])
    parts = split_labelled(images, shares, seed)
    assert sorted(source for part in parts for source in part.sources) == list(images.sources)
    assert all(part.sources == tuple(sorted(part.sources)) for part in parts)
    for part, share in zip(parts, [*shares, 1 - sum(shares)], strict=True):
        for label in range(3):
            assert abs((part.labels == label).sum().item() - share * labels.count(label)) <= 1


@given(LABELS, SHARES, st.integers(0, 5), st.randoms(use_true_random=False), st.data())
def test_the_order_of_the_images_does_not_matter(
    labels: list[int], shares: list[float], seed: int, random: object, data: st.DataObject
) -> None:
    digests = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=len(labels), max_size=len(labels)))
    images = known(labels, digests)
    order = torch.tensor(data.draw(st.permutations(range(len(labels)))))
    shuffled = split_labelled(images.take(order), shares, seed)
    for part, again in zip(split_labelled(images, shares, seed), shuffled, strict=True):
        assert sorted(part.sources) == sorted(again.sources)


@given(LABELS, SHARES, st.data())
def test_equal_pictures_stay_together_even_with_several_labels(
    labels: list[int], shares: list[float], data: st.DataObject
) -> None:
    letters = st.sampled_from([*"abcdefgh", None])
    digests = data.draw(st.lists(letters, min_size=len(labels), max_size=len(labels)).filter(any))
    images = known(labels, digests)
    of = dict(zip(images.sources, digests, strict=True))
    parts = [[of[source] for source in part.sources] for part in split_labelled(images, shares, 0)]
    assert sum(map(len, parts)) == len([digest for digest in digests if digest])
    for letter in "abcdefgh":
        assert sum(letter in part for part in parts) == (letter in digests)
        assert sum(part.count(letter) for part in parts) == digests.count(letter)


@given(LABELS, SHARES, st.data())
def test_what_hangs_together_through_others_stays_together(
    labels: list[int], shares: list[float], data: st.DataObject
) -> None:
    size = len(labels)
    digests, groups = (data.draw(st.lists(st.sampled_from("abcdef"), min_size=size, max_size=size)) for _ in range(2))
    images = dataclasses.replace(known(labels, digests), groups=tuple(groups))
    graph = csr_array(
        [[digests[i] == digests[j] or groups[i] == groups[j] for j in range(size)] for i in range(size)], dtype=int
    )
    _, component = connected_components(graph)
    parts = split_labelled(images, shares, 0)
    assert sorted(source for part in parts for source in part.sources) == list(images.sources)
    found = [{int(component[int(source)]) for source in part.sources} for part in parts]
    assert sum(map(len, found)) == len(set().union(*found))


def test_another_seed_gives_another_split() -> None:
    images = known([0, 1] * 50, [str(place) for place in range(100)])
    first, second = (split_labelled(images, (0.5,), seed)[0].sources for seed in (0, 1))
    assert first != second
    assert len(set(first) & set(second)) == pytest.approx(25, abs=12)


@pytest.mark.parametrize("shares", [(-0.1,), (0.6, 0.6)])
def test_shares_out_of_range_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(DatasetError, match="must be 0 or more and sum to 1 at most"):
        split_labelled(known([0, 1], ["a", "b"]), shares, 0)


def test_images_of_which_none_can_be_decoded_are_refused() -> None:
    with pytest.raises(DatasetError, match="none of the 2 images can be decoded"):
        split_labelled(known([0, 1], [None, None]), (0.5,), 0)


def test_equal_pictures_are_found_by_pixels(photos: Path) -> None:
    noise(0).save(photos / "emu" / "again.bmp")  # the same pixels in another format
    noise(7).save(photos / "dog" / "seven.png")
    noise(0).transpose(Image.Transpose.ROTATE_90).save(photos / "emu" / "turned.png")
    noise(0).save(photos / "cat" / "twice.png")
    images = open_labelled(photos)
    firsts, sevens = ("cat/00.png", "cat/twice.png", "emu/again.bmp"), ("dog/seven.png", "dog/young/07.png")
    assert duplicates(images) == [firsts, sevens]
    assert contradictory(images) == [firsts]
    parts = split_labelled(images, (0.3, 0.3), 1)
    assert [{"cat/00.png", "cat/twice.png", "emu/again.bmp"} <= set(part.sources) for part in parts].count(True) == 1
    assert sum(len(part) for part in parts) == 19


def test_images_in_both_sets_are_found_by_bytes_or_by_pixels(photos: Path, tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    for name, number in (("x", 3), ("y", 99)):
        (bank / name).mkdir(parents=True)
        noise(number).save(bank / name / "copy.bmp")
    (bank / "x" / "same.png").write_bytes((photos / "dog" / "10.png").read_bytes())
    assert overlapping(open_labelled(photos), open_labelled(bank)) == ("cat/03.png", "dog/10.png")
    assert overlapping(open_labelled(bank), open_labelled(photos)) == ("x/copy.bmp", "x/same.png")


def test_equal_files_are_not_decoded_to_be_found(photos: Path) -> None:
    some, all_of_them = open_labelled(photos), open_labelled(photos)
    assert overlapping(some, all_of_them) == some.sources
    assert some.content.digests == {}
