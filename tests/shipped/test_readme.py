"""The figures in the texts are those that the commands beside them print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from reason.cli import main
from reason.evaluation.output import read_report
from reason.evaluation.report import Report
from reason.evaluation.tables import interval, markdown, number, tables

ROOT = Path(__file__).parents[2]
TEXTS = [
    (bundle, text)
    for bundle in ("imagenette", "mnist")
    for text in ("README.md", f"reason_saved/{bundle}/MODEL_CARD.md")
]
SOFTMAX = ("REASON", "MSP", "margin", "entropy")
ACROSS = (
    *("REASON", "MSP", "energy", "kNN", "Mahalanobis", "ViM", "SIRC with residual", "Rel-U"),
    *("mean over views", "logistic regression", "logistic regression, scalars", "gradient boosting"),
)
"""Scores that the texts show, where the bundle has them."""


def report_of(bundle: str) -> Report:
    return read_report(ROOT / "eval_plots" / bundle / "metrics.json")


def rows_of(text: str) -> set[str]:
    lines = (ROOT / text).read_text(encoding="utf-8").splitlines()
    return {re.sub(r"\s+", " ", line).strip() for line in lines if line.startswith("|")}


def row(*cells: str) -> str:
    return re.sub(r"\s+", " ", f"| {' | '.join(cells)} |")


@pytest.mark.parametrize(("bundle", "text"), TEXTS)
def test_the_scores_across_splits(bundle: str, text: str) -> None:
    splits = report_of(bundle).splits.values()
    shown = [score for score in ACROSS if all(score in split.scores for split in splits)]
    assert len(shown) == len(ACROSS) - (bundle == "mnist")  # which has no views
    for score in shown:
        expected = row(score, *(number(split.scores[score].auroc) for split in splits))
        assert expected in rows_of(text)


@pytest.mark.parametrize(("bundle", "text"), TEXTS)
def test_what_was_reached_and_what_was_missed(bundle: str, text: str) -> None:
    acceptance = next(tables(report_of(bundle)))
    for split, metric, rival, _, advantage, result in acceptance.rows:
        assert row(split, metric, rival, advantage, result) in rows_of(text)


@pytest.mark.parametrize("bundle", ["imagenette", "mnist"])
def test_the_report_is_that_of_the_numbers(bundle: str) -> None:
    page = (ROOT / "docs" / "evaluation" / f"{bundle}.md").read_text(encoding="utf-8")
    assert page == markdown(report_of(bundle), f"../../eval_plots/{bundle}")


@pytest.mark.parametrize("text", ["README.md", "reason_saved/imagenette/MODEL_CARD.md"])
def test_the_scores_on_clean_photos(text: str) -> None:
    clean = report_of("imagenette").splits["clean"]
    for score in SOFTMAX:
        found = clean.scores[score]
        numbers = [number(figure) for figure in (found.auroc, found.ap_success, found.ap_error)]
        ends = clean.auroc_difference_95.get(score)
        assert row(score, *numbers, "" if ends is None else interval(ends)) in rows_of(text)


@pytest.mark.parametrize("text", ["README.md", "reason_saved/mnist/MODEL_CARD.md"])
def test_the_scores_by_corruption(text: str) -> None:
    by_type = report_of("mnist").by_type
    for name in ("clean", "rotate", "noise", "occlude", "shift"):
        found = by_type[name]
        expected = row(name, *(number(value) for value in (found.auroc["REASON"], found.auroc["MSP"])))
        assert any(line.startswith(expected[:-2]) for line in rows_of(text)), expected


@pytest.mark.parametrize(("bundle", "text"), TEXTS)
def test_the_numbers_in_the_sentences(bundle: str, text: str) -> None:
    report = report_of(bundle)
    words = re.sub(r"\s+", " ", (ROOT / text).read_text(encoding="utf-8"))
    target = report.splits[report.target]
    assert f"accuracy {number(report.splits['clean'].accuracy)}" in words
    assert f"ECE {number(target.reliability.ece_15)}" in words
    assert f"coverage {number(target.threshold.coverage)}" in words
    assert f"accepted {number(target.threshold.selective_risk)}" in words


@pytest.mark.parametrize("text", ["README.md", "reason_saved/imagenette/MODEL_CARD.md"])
def test_what_the_views_give_and_where_plain_models_come_close(text: str) -> None:
    report = report_of("imagenette")
    words = re.sub(r"\s+", " ", (ROOT / text).read_text(encoding="utf-8"))
    drop = report.importance["views"]["unseen corruptions"].auroc_drop
    assert f"without these views are {number(drop)} lower there" in words
    for split, model in (
        ("clean", "logistic regression, scalars"),
        ("clean", "gradient boosting"),
        ("textures", "logistic regression, scalars"),
        ("seen corruptions", "gradient boosting"),
    ):
        numbers = report.splits[split]
        ends = interval(numbers.auroc_difference_95[model])
        assert re.search(rf"{number(numbers.scores[model].auroc)};[^();]*{re.escape(ends)}", words), (
            split,
            model,
        )


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda path: path.name
)
def test_every_command_line_is_understood(path: Path) -> None:
    """``--help`` ends a command before it runs, but only after its other options were recognised."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("reason "):
            words = shlex.split(line, comments=True)[1:]
            found = CliRunner().invoke(main, [*words, "--help"])
            assert found.exit_code == 0, (line, found.output)


def test_every_link_leads_somewhere() -> None:
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
