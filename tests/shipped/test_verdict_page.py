"""docs/verdict.md shows what its commands print, and explains every field of a verdict."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_digits

from reason.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "verdict.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the page's commands print."""
    folder = tmp_path_factory.mktemp("verdict")
    image = Image.fromarray((load_digits().images[16] * 15).astype("uint8"))
    image.resize((280, 280), Image.Resampling.BICUBIC).save(folder / "digit.png")
    commands = re.findall(r"^reason (.*)$", PAGE.split("```")[1], re.M)
    assert [command.split()[0] for command in commands] == ["corrupt", "predict"]
    for command in commands:
        words = [str(folder / word) if word.endswith(".png") else word for word in command.split()]
        found = CliRunner().invoke(main, [*words, *(["--engine", "torch"] if words[0] == "predict" else [])])
        assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def assert_alike(shown: Any, found: Any) -> None:
    """Compare what is shown with what is found: some entries of a table, the first of a list."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            assert_alike(value, found[key])
    elif isinstance(shown, list):
        for value, item in zip(shown, found, strict=False):
            assert_alike(value, item)
    elif isinstance(shown, float):
        assert found == pytest.approx(shown, rel=2e-3, abs=1e-6)
    else:
        assert found == shown


def test_the_example_is_what_the_commands_print(printed: Any) -> None:
    shown = json.loads(PAGE.split("```json")[1].split("```")[0])
    assert list(shown) == list(printed)
    assert list(shown["certificate"]) == list(printed["certificate"])
    assert_alike({**shown, "timings_ms": {}, "source": printed["source"]}, printed)
    assert list(shown["timings_ms"]) == list(printed["timings_ms"])
    assert Path(printed["source"]).name == shown["source"]


def test_the_text_says_the_same_numbers(printed: Any) -> None:
    diagnostics = printed["diagnostics"]
    for text in (
        f"{printed['reliability']:.3f} against {printed['threshold']:.3f}",
        f"**`confidence`**, {printed['confidence']:.3f},",
        f"(`dropout_gap_ratio` {diagnostics['dropout_gap_ratio']:.4g})",
        f"(`stage1_relative_distance` {diagnostics['stage1_relative_distance']:.4g})",
        f"`knn_distance` is {diagnostics['knn_distance']:.4g},",
        f"once in {round(1 / printed['reliability'])}, ",
    ):
        assert text in re.sub(r"\s+", " ", PAGE)


def test_every_field_is_explained(printed: Any) -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE.split("## Every field")[1], re.M) == list(printed)
    for name in printed["certificate"]:
        assert f"`{name}`" in PAGE.split("| `certificate` |")[1].split("\n")[0]
