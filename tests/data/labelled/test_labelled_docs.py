"""What docs/data.md says of labelled images."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reason.data.labelled.tables import GROUP_COLUMNS, LABEL_COLUMNS, PATH_COLUMNS

TEXT = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")


def test_its_python_runs(photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(photos.parent)
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    exec(compile(code, "docs/data.md", "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert first == "15 ('cat', 'dog', 'emu')"
    assert second == "tensor([0, 1, 2, 3]) [(12, 9), (12, 9), (12, 9), (12, 9)] ()"


def test_it_names_columns_that_are_found() -> None:
    (row,) = (line for line in TEXT.splitlines() if line.startswith("| a table"))
    named = re.findall(r"`(\w+)`", row)
    assert [name for name in named if name not in (*PATH_COLUMNS, *LABEL_COLUMNS, *GROUP_COLUMNS)] == ["parquet"]
    assert {"path", "file", "label", "class", "group"} <= set(named)
