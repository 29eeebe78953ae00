"""The code of docs/sharing.md runs as it stands there, but for the owner's name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest
from PIL import Image

import reason

from .fake_hub import FakeHub

PAGE = (Path(__file__).parents[2] / "docs" / "sharing.md").read_text(encoding="utf-8")
HUB, MLFLOW = (code.replace("OWNER/NAME", "us/tiny") for code in re.findall(r"```python\n(.*?)```", PAGE, re.S))


@pytest.fixture
def mine(bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape_image: Image.Image) -> Path:
    """The bundle ``mine`` and two photos in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "other.jpg"):
        shape_image.save(name)
    return Path(shutil.copytree(bundle_folder, "mine"))


def test_the_hub(mine: Path, hub: FakeHub) -> None:
    found: dict[str, Any] = {}
    exec(HUB, found)
    assert found["detector"].digest == reason.load(mine).digest


def test_mlflow(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri((tmp_path / "store").as_uri())
    found: dict[str, Any] = {}
    try:
        # The tiny bundle can guarantee no risk that small.
        exec(MLFLOW.replace('"risk": 0.03', '"risk": 0.2'), found)
    finally:
        mlflow.set_tracking_uri(before)
    assert found["detector"].digest == reason.load(mine).digest
