"""Disjoint parts of labelled images, and images that two sets have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import accumulate

import torch

from reason.data.labelled.images import LabelledImages
from reason.errors import DatasetError


def split_labelled(images: LabelledImages, shares: Sequence[float], seed: int) -> list[LabelledImages]:
    """Split images into disjoint parts with the same share of each class.

    Which part an image falls into depends on its name, on those of its class, and on the seed, not on the order of the
    images. Images of equal pixels stay together, whatever they are called, as do those of one of ``images.groups``.
    Images that cannot be decoded fall into no part. All images are decoded once, unless that was done before.

    Args:
        images: all images.
        shares: share of each part but the last, which takes the rest.
        seed: of the shuffle.

    Returns:
        One set a part, in the order of ``images``; of each class, a part holds its share to within one image, or to
        within the images that stay together.

    Raises:
        DatasetError: the shares are negative or sum to more than 1, or no image can be decoded.
    """
    if min(shares, default=0) < 0 or sum(shares) > 1 + 1e-9:
        raise DatasetError(
            f"shares {list(shares)}: must be 0 or more and sum to 1 at most; the last part takes the rest."
        )
    groups = _inseparable(images)
    if not groups:
        raise DatasetError(f"none of the {len(images)} images can be decoded; check one of them with an image viewer.")
    parts: list[list[int]] = [[] for _ in range(len(shares) + 1)]
    for members in _by_class(groups, images).values():
        _deal(sorted(members, key=lambda group: _shuffled(images.sources[group[0]], seed)), shares, parts)
    return [images.take(torch.tensor(sorted(part), dtype=torch.int64)) for part in parts]


def _inseparable(images: LabelledImages) -> list[list[int]]:
    """Return the rows that stay together, the one of the smallest name first."""
    if not images.groups:
        return _equal(images)
    together = _Together()
    for digest, group in zip(images.digests(), images.groups, strict=True):
        if digest is not None:
            together.join(("pixels", digest), ("group", group))
    found: dict[_Key, list[int]] = {}
    for same in _equal(images):
        found.setdefault(together.root(("group", images.groups[same[0]])), []).extend(same)
    return [sorted(rows, key=images.sources.__getitem__) for rows in found.values()]


_Key = tuple[str, str]


class _Together:
    """Things of which some belong together, directly or through others (union-find)."""

    def __init__(self) -> None:
        self._above: dict[_Key, _Key] = {}

    def root(self, key: _Key) -> _Key:
        """Return the one that stands for all that belong together with this one."""
        while (above := self._above.setdefault(key, key)) != key:
            self._above[key] = self._above[above]  # shorten the way for the next
            key = above
        return key

    def join(self, one: _Key, other: _Key) -> None:
        """Note that two belong together."""
        self._above[self.root(one)] = self.root(other)


def _equal(images: LabelledImages) -> list[list[int]]:
    """Return the rows of each distinct picture, that of the smallest name first."""
    found: dict[str, list[int]] = {}
    for row, digest in enumerate(images.digests()):
        if digest is not None:
            found.setdefault(digest, []).append(row)
    return [sorted(rows, key=images.sources.__getitem__) for rows in found.values()]


def _by_class(groups: Sequence[list[int]], images: LabelledImages) -> dict[int, list[list[int]]]:
    """Return the groups of each class; one with several labels counts for that of its first image."""
    classes: dict[int, list[list[int]]] = {}
    for group in groups:
        classes.setdefault(int(images.labels[group[0]]), []).append(group)
    return classes


def _shuffled(source: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {source}".encode()).digest()


def _deal(groups: Sequence[list[int]], shares: Sequence[float], parts: Sequence[list[int]]) -> None:
    """Lay the groups end to end and cut them by the shares; a group goes where its first image lies."""
    total = sum(map(len, groups))
    edges = [round(share * total) for share in accumulate(shares)]
    start = 0
    for group in groups:
        parts[sum(edge <= start for edge in edges)].extend(group)
        start += len(group)


def duplicates(images: LabelledImages) -> list[tuple[str, ...]]:
    """Return the names of images of equal pixels, a tuple a picture, in the order of the images."""
    return [tuple(images.sources[row] for row in group) for group in _equal(images) if len(group) > 1]


def contradictory(images: LabelledImages) -> list[tuple[str, ...]]:
    """Return those ``duplicates`` that have several labels, of which all but one are wrong."""
    return [
        tuple(images.sources[row] for row in group)
        for group in _equal(images)
        if len({int(images.labels[row]) for row in group}) > 1
    ]


def overlapping(images: LabelledImages, others: LabelledImages) -> tuple[str, ...]:
    """Return the names of those images that are among the others too, by their pixels.

    Images whose files are equal byte by byte are not decoded for it; all others of both sets are, once.
    """
    files = set(others.file_digests()) - {None}
    same = {row for row, digest in enumerate(images.file_digests()) if digest in files}
    rest = [row for row in range(len(images)) if row not in same]
    pixels = set(others.digests()) - {None}
    found = images.take(torch.tensor(rest, dtype=torch.int64)).digests()
    same |= {row for row, digest in zip(rest, found, strict=True) if digest in pixels}
    return tuple(images.sources[row] for row in sorted(same))
