"""Which files the words of a command line name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from reason.cli.inputs import ImageFile, find_images


def names(images: Sequence[ImageFile]) -> list[str]:
    return [image.name for image in images]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of empty files, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.JPG",
        "a.png",
        "notes.txt",
        ".hidden.png",
        "sub/c.webp",
        ".cache/d.png",
        "sub/[x].gif",
        "plain",
    ):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["."], ["a.png", "b.JPG", "sub/[x].gif", "sub/c.webp"]),
        (["sub", "a.png"], ["sub/[x].gif", "sub/c.webp", "a.png"]),
        (["a.png", "a.png", "."], ["a.png", "b.JPG", "sub/[x].gif", "sub/c.webp"]),
        (["*.png"], ["a.png"]),
        (["**/*.webp"], ["sub/c.webp"]),
        (["s*"], ["sub/[x].gif", "sub/c.webp"]),
        (["sub/[x].gif"], ["sub/[x].gif"]),
        (["plain", ".hidden.png"], ["plain", ".hidden.png"]),
    ],
)
def test_find_images(tree: Path, arguments: list[str], found: list[str]) -> None:
    images, problems = find_images(arguments)
    assert names(images) == found
    assert problems == []


def test_a_pattern_may_be_absolute(tree: Path) -> None:
    assert names(find_images([f"{tree}/*.png"])[0]) == [f"{tree}/a.png"]
