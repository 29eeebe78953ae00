"""The tables that ``reason evaluate`` prints."""

from __future__ import annotations

import sys
from typing import Any

import rich.table
from rich.console import Console

from reason.cli.output import UNBOUNDED
from reason.evaluation.tables import tables


def print_report(report: dict[str, Any]) -> None:
    """Print what ``reason.evaluation.evaluate.run`` measured."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else UNBOUNDED)
    for table in tables(report):
        shown = rich.table.Table(*table.header, title=table.title, title_justify="left", title_style="bold")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
