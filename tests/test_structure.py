"""Dataclasses from parsed JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from reason.errors import SettingsError
from reason.structure import FORMER, build, plain


@dataclass(frozen=True)
class Leaf:
    size: float

    def __post_init__(self) -> None:
        if self.size < 0:
            raise SettingsError("size", "must not be negative.")


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    root: Leaf | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    age: int = field(default=0, metadata={FORMER: "years"})


@pytest.mark.parametrize(
    "tree", [Tree(()), Tree((Leaf(1.5), Leaf(0.0)), Leaf(2.0), {"kind": "oak"}, 7)], ids=["empty", "full"]
)
def test_json_gives_back_what_was_written(tree: Tree) -> None:
    assert build(Tree, json.loads(json.dumps(plain(tree)))) == tree
    assert json.loads(json.dumps(plain(tree))) == plain(tree)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "^leaves is missing"),
        ({"leaves": 3}, "^leaves must be a list, not 3"),
        ({"leaves": [3]}, r"^leaves\[0\] must be a table, not 3"),
        ({"leaves": [{"size": "x"}]}, r"^leaves\[0\]\.size must be of type float, not 'x'"),
        ({"leaves": [{"size": 1}, {"size": -1}]}, r"^leaves\[1\]\.size must not be negative"),
        ({"leaves": [], "root": {"sise": 1}}, r"^root\.sise is not a known key; did you mean root\.size\?"),
        ({"leaves": [], "age": True}, "^age must be of type int, not True"),
        ({"leaves": [], "notes": {"kind": 3}}, r"^notes\.kind must be of type str, not 3"),
        ({"leaves": [], "notes": []}, r"^notes must be a table, not \[\]"),
        ([], r"^the file must be a table"),
        ({"leaves": [{"size": 10**400}]}, r"^leaves\[0\]\.size must be a finite number, not 1000"),
        ({"leaves": [{"size": float("inf")}]}, r"^leaves\[0\]\.size must be a finite number, not inf"),
        ({"leaves": "x" * 10_000}, r"^leaves must be a list, not 'x{5,20}\.\.\.x{5,20}'\.$"),
        ({"leaves": [], "x" * 10_000: 1}, "^x{80} is not a known key"),
    ],
)
def test_what_does_not_fit_is_named_by_its_key(table: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build(Tree, table)


def test_a_former_key_is_read_and_reported() -> None:
    said: list[tuple[str, str]] = []
    assert build(Tree, {"leaves": [], "years": 3}, renamed=lambda *names: said.append(names)) == Tree((), age=3)
    assert said == [("years", "age")]


def test_a_former_key_is_unknown_where_nobody_is_told() -> None:
    with pytest.raises(SettingsError, match=r"^years is not a known key"):
        build(Tree, {"leaves": [], "years": 3})
