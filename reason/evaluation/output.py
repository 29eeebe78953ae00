"""What an evaluation leaves behind: ``metrics.json``, figures and a page."""

from __future__ import annotations

import json
import os
from pathlib import Path

from reason.evaluation import plots
from reason.evaluation.evaluate import Evaluation
from reason.evaluation.report import Report
from reason.evaluation.tables import markdown

PLOTS = Path("eval_plots")
"""Folder that figures and numbers go to, one subfolder a bundle."""

PAGES = Path("docs") / "evaluation"
"""Folder that pages go to, one a bundle."""

METRICS = "metrics.json"
"""Name of the file that holds the report."""


def write(evaluation: Evaluation, output: Path | None = None) -> None:
    """Write the numbers, the figures and the page of an evaluation.

    Args:
        evaluation: what was measured.
        output: folder for all of them; by default ``metrics.json`` and the figures go to ``eval_plots/<bundle name>``,
            the page to ``docs/evaluation/<bundle name>.md``.
    """
    report, splits = evaluation.report, evaluation.splits
    folder = output or PLOTS / report.bundle
    write_report(report, folder, output / "report.md" if output else PAGES / f"{report.bundle}.md")
    clean, target = next(iter(splits.values())), splits[report.target]
    plots.draw_predictions(evaluation.detector, clean, target, folder, evaluation.pixels)


def write_report(report: Report, folder: Path, page: Path) -> None:
    """Write what the report alone tells: ``metrics.json`` and its figures into a folder, and the page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / METRICS).write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")
    plots.draw_report(report, folder)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(markdown(report, os.path.relpath(folder, page.parent)), encoding="utf-8")


def read_report(file: Path) -> Report:
    """Read a ``metrics.json``.

    Raises:
        ReasonError: it is no report.
        OSError: it cannot be read.
    """
    return Report.from_json(json.loads(file.read_text(encoding="utf-8")))
