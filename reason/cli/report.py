"""The tables that ``reason evaluate`` prints."""

from __future__ import annotations

import sys

import rich.table
from rich.console import Console

from reason.cli.output import UNBOUNDED
from reason.evaluation.report import Report
from reason.evaluation.tables import tables


def print_report(report: Report) -> None:
    """Print the tables of an evaluation."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else UNBOUNDED)
    for table in tables(report):
        shown = rich.table.Table(*table.header, title=table.title, title_justify="left", title_style="bold")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
