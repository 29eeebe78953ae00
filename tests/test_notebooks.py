"""The notebooks run as they stand, what their text claims is so, and every number in them comes from a cell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]

CLAIMS = {
    "own_classifier": """
        assert good[0].decision == "accept" and bad[0].decision == "review"
        assert good[0].confidence > 0.9 and bad[0].confidence > 0.8
        wrong, right = table[False, "accept"], table[True, "accept"]
        assert wrong / (wrong + right) < (wrong + table[False, "review"]) / len(new_rows)
        assert largest < 1e-4
        assert len(reason.load(work / "second").predict(sorted((work / "new").iterdir()))) == 6
    """,
    "choosing_a_risk": """
        assert looked_up(detector.threshold)[1] < (~correct).mean()
        assert small.certificate is None and small.threshold == 1 - settings.risk
        for risk in RISKS:
            kept = sum(found > risk for found in certified[risk])
            assert binomtest(kept, DRAWS).proportion_ci(method="exact").low <= DELTA
            assert 0.3 < np.mean(np.array(naive[risk]) > risk) < 0.7
        assert given > 0.95
    """,
    "what_it_cannot_tell": """
        assert clean.errors[1] < RISK
        assert abs(clean.reliability.mean() - clean.right.mean()) < abs(gaps[largest])
        assert any(outcome.errors[1] > RISK for outcome in shifted.values())
        assert all(outcome.accepted.mean() < clean.accepted.mean() for outcome in shifted.values())
        assert metrics.auroc(ours, right) > metrics.auroc(softmax, right) - 0.003
        assert max(outcome.accepted.mean() for outcome in judged.values()) > 0.02
        assert strong.head.kind == "score" and strong.certificate is not None
        assert misled.certificate is None
        assert flattered.certificate is not None and outcome.errors[1] > RISK
    """,
}
"""By notebook, what the text says of the figures, in the notebook's own names."""


def read(name: str) -> Any:
    return nbformat.read(ROOT / "examples" / f"{name}.ipynb", as_version=4)


def test_every_notebook_is_among_the_tests() -> None:
    assert sorted(file.stem for file in (ROOT / "examples").glob("*.ipynb")) == sorted(CLAIMS)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_a_notebook_runs_and_its_claims_hold(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nothing answers there: a download would fail
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the networks are tiny
    notebook = read(name)
    notebook.cells.append(nbformat.v4.new_code_cell("if True:" + CLAIMS[name]))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    written = [part.get("text", "") for cell in notebook.cells for part in cell.get("outputs", [])]
    assert not [text for text in written if "Warning" in text]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_notebook_is_stored_without_what_a_run_leaves(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.metadata
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.parametrize("name", CLAIMS)
def test_numbers_of_a_notebook_stand_in_its_cells_alone(name: str) -> None:
    for cell in read(name).cells:
        if cell.cell_type == "markdown":
            words = re.sub(r"```.*?```|`[^`]*`", "", cell.source, flags=re.DOTALL)
            assert not re.findall(r"\d[\d.,%]*", words)


@pytest.mark.parametrize("name", CLAIMS)
def test_links_of_a_notebook_lead_somewhere(name: str) -> None:
    text = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")
    targets = re.findall(r"\]\((?!\w+:)([^)#]+)\)", text)
    assert targets
    for target in targets:
        assert (ROOT / "examples" / target).is_file(), target


def test_the_page_of_notebooks_lists_each() -> None:
    page = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(\.\./examples/(\w+)\.ipynb\)", page) == list(CLAIMS)
