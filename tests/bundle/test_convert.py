"""A bundle of format 2 is converted without changing a verdict."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

import reason
from reason.bundle.folders import CARD
from reason.detector.verdict import Verdict
from reason.errors import BundleError

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "train" / "convert_bundle.py"


@pytest.fixture
def old(bundle_folder: Path, tmp_path: Path) -> Path:
    """The tiny bundle as format 2 kept it."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "MODEL_CARD.md").write_text("kept")
    for path in bundle_folder.glob("*.safetensors"):
        arrays = safetensors.torch.load_file(path)
        if path.stem.startswith("best_"):
            arrays.pop("classes", None)
            torch.save(arrays, folder / f"{path.stem}.pth")
        else:
            found = {name.replace("background", "whole"): former(name, array) for name, array in arrays.items()}
            (folder / f"{path.stem}.pkl").write_bytes(pickle.dumps(found, protocol=4))
    card = json.loads((bundle_folder / CARD).read_text(encoding="utf-8"))
    made = card.pop("provenance")
    former_card = {key: card[key] for key in card if key not in ("digest", "taps", "files")} | {
        "format": 2,
        "created": made["created"],
        "versions": made["versions"],
        "card": {"metrics": made["metrics"]},
        "files": {path.name: {} for path in folder.iterdir() if path.suffix != ".md"},
    }
    (folder / CARD).write_text(json.dumps(former_card))
    return folder


def former(name: str, tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = tensor.numpy()
    if name == "sources":
        return array.view(f"S{array.shape[1]}")[:, 0]
    return array.astype(np.uint8) if array.dtype == bool else array


def convert(old: Path, new: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(old), str(new)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""}
    )


def judged(folder: Path, picture: Image.Image) -> dict[str, Any]:
    verdict: Verdict = reason.load(folder).predict([picture])[0]
    return {key: value for key, value in verdict.to_dict().items() if key not in ("digest", "timings_ms")}


def test_it_is_refused_with_the_command_that_converts_it(old: Path) -> None:
    with pytest.raises(BundleError, match=rf"python train/convert_bundle\.py {old} NEW"):
        reason.load(old)


@pytest.mark.slow
def test_it_judges_as_before(old: Path, bundle_folder: Path, tmp_path: Path, shape_image: Image.Image) -> None:
    done = convert(old, tmp_path / "new")
    assert done.returncode == 0, done.stderr
    loaded = reason.load(tmp_path / "new")
    assert done.stdout == f"{tmp_path / 'new'}: {loaded.digest}\n"
    assert judged(tmp_path / "new", shape_image) == judged(bundle_folder, shape_image)
    assert loaded.provenance == reason.load(bundle_folder).provenance
    assert sorted(path.suffix for path in (tmp_path / "new").iterdir()) == [".json", ".md", *[".safetensors"] * 7]
    again = convert(old, tmp_path / "new")
    assert (again.returncode, again.stderr) == (
        1,
        f"convert_bundle: {tmp_path / 'new'}: exists; name a folder that does not.\n",
    )
