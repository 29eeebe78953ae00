"""docs/signals.md explains each column of each family, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import signal_columns
from reason.signals import FAMILIES

PAGE = (Path(__file__).parents[2] / "docs" / "signals.md").read_text(encoding="utf-8")
SECTIONS = {found[2]: found[0] for found in re.finditer(r"^## ([^\n]+): `(\w+)`\n.*?(?=^## |\Z)", PAGE, re.M | re.S)}


def rows(text: str) -> list[list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return [row for row in cells if row[0].startswith("`")]


def test_every_family_is_explained() -> None:
    """In whichever order they were imported."""
    assert set(SECTIONS) == {name for name in FAMILIES if FAMILIES[name].__module__.startswith("reason.")}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_family_is_explained_column_by_column(name: str) -> None:
    section = SECTIONS[name]
    assert section.startswith(f"## {FAMILIES[name].title}: `{name}`")
    assert f"<!-- columns: {name} -->" in section
    for part in ("**What**", "**Why**", "**Cost**", "**Needs**"):
        assert part in section
    explained = rows(section)
    assert [row[0].strip("`") for row in explained] == list(signal_columns.columns_of(name))
    assert all(len(row) == 3 and all(row) for row in explained)


@pytest.mark.parametrize("name", SECTIONS)
def test_the_site_says_what_the_family_says(name: str) -> None:
    shown = rows(signal_columns.table(name))
    columns = [columns[0] for columns in signal_columns.columns_of(name).values()]
    for (_, _, means, says), column in zip(shown, columns, strict=True):
        assert means.startswith(signal_columns.DIRECTIONS[column.direction])
        assert re.sub(r"\d+", "N", column.help)[:15] == re.sub(r"\d+", "N", says)[:15]
    assert rows(signal_columns.table("softmax"))[-1] == [
        *("`top_logit_N`", "logits", "more trust, neither", "Logit number N, counted from the largest."),
    ]


def test_what_a_family_requires_is_what_the_page_says() -> None:
    """Each requirement has a word in the families' *Needs*, and no other family has it."""
    words = {
        "gradient": "differentiable",
        "views": "other sizes",
        "taps": "taps",
        "head": "linear head",
        "bank": "a bank",
    }
    for name, section in SECTIONS.items():
        needs = section.split("**Needs**")[1].split("\n\n")[0]
        needs = re.sub(r"\s+", " ", needs)
        found = {requirement for requirement, word in words.items() if word in needs}
        assert found == {requirement.value for requirement in FAMILIES[name].requires}, name
