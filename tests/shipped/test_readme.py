"""The README's figures are those that the commands beside them print."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = ("README.md", "reason_saved/imagenette/MODEL_CARD.md")


@pytest.mark.parametrize("name", TEXTS)
def test_the_table_is_that_of_the_evaluation(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    clean = json.loads((ROOT / "eval_plots/imagenette/metrics.json").read_text())["clean"]
    for score, numbers in clean["scores"].items():
        row = [score, *(f"{numbers[metric]:.4f}" for metric in ("auroc", "ap_success", "ap_error"))]
        interval = clean["auroc_difference_95"].get(score)
        row.append("" if interval is None else f"{interval[0]:+.4f} to {interval[1]:+.4f}")
        cells = [re.sub(r"\s+", " ", cell) for cell in row]
        assert "| " + " | ".join(cells).replace("|  |", "| |") in re.sub(r" +", " ", text), score
    assert f"accuracy {clean['accuracy']:.4f}" in text
    assert f"ECE {clean['reliability']['ece_15']:.4f}" in text
    assert f"coverage {clean['threshold']['coverage']:.4f}" in text
    assert f"accepted {clean['threshold']['selective_risk']:.4f}" in text


def test_every_link_leads_somewhere() -> None:
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
