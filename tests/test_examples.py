"""The examples run as they stand, and are short."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["text", "tabular"])
def test_an_example_runs_and_its_score_is_not_worse_than_msp(name: str) -> None:
    file = ROOT / "examples" / f"{name}.py"
    assert len(file.read_text(encoding="utf-8").splitlines()) < 60
    done = subprocess.run([sys.executable, file], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = {row[0]: float(row[1]) for row in re.findall(r"^(REASON|MSP)\s+(0\.\d+)", done.stdout, re.MULTILINE)}
    assert found["REASON"] > found["MSP"] - 0.003


@pytest.mark.slow
def test_the_page_about_arrays_runs(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "arrays.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "mine" / "dataset_meta.json").is_file()
