"""How the command line shows verdicts and facts: tables and JSON lines."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reason.detector.verdict import ACCEPT, REVIEW, Verdict

_STYLES = {ACCEPT: "green", REVIEW: "yellow"}
_SMALLEST_NAME = 16

UNBOUNDED = 10_000
"""Width of what goes to no terminal, where lines must not be wrapped."""


def write_json(verdicts: Iterable[Verdict], file: IO[str]) -> None:
    """Write one line of JSON a verdict."""
    for verdict in verdicts:
        file.write(verdict.to_json() + "\n")


class VerdictTable:
    """A table that grows row by row: its widths are fixed before the first verdict is known.

    Args:
        file: where it is written; a file that is no terminal gets every name in full.
        names: name of each image that may come.
        classes: the bundle's classes.
    """

    def __init__(self, file: IO[str], names: Sequence[str], classes: Sequence[str]) -> None:
        terminal = file.isatty()
        self._console = Console(file=file, width=None if terminal else UNBOUNDED)
        self._class_width = max(map(cell_len, ("class", *classes)))
        longest = max(map(cell_len, ("image", *names)))
        others = self._class_width + len("confidence" + "reliability" + "decision") + 4 * 2
        self._name_width = min(longest, max(_SMALLEST_NAME, self._console.width - others))

    def write(self, verdicts: Iterable[Verdict]) -> None:
        """Print a row for each verdict as it comes, and a line that sums them up."""
        counts: Counter[str] = Counter()
        for verdict in verdicts:
            self._print_row(verdict, header=not counts)
            counts[verdict.decision] += 1
        if counts:
            self._console.print(
                f"\n{counts.total()} judged: {counts[ACCEPT]} {ACCEPT}, {counts[REVIEW]} {REVIEW} "
                f"(reliability below {verdict.threshold:.3f})",
                highlight=False,
            )

    def _print_row(self, verdict: Verdict, *, header: bool) -> None:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=header)
        table.add_column("image", width=self._name_width, no_wrap=True)
        table.add_column("class", width=self._class_width, no_wrap=True)
        table.add_column("confidence", width=len("confidence"), justify="right")
        table.add_column("reliability", width=len("reliability"), justify="right")
        table.add_column("decision", width=len("decision"))
        table.add_row(
            Text(_tail(verdict.source or "", self._name_width)),
            Text(verdict.class_),
            f"{verdict.confidence:.3f}",
            f"{verdict.reliability:.3f}",
            Text(verdict.decision, style=_STYLES[verdict.decision]),
        )
        self._console.print(table)


def _tail(name: str, width: int) -> str:
    """Cut a name to its end, where files differ, and replace what would upset a terminal."""
    plain = "".join(character if character.isprintable() else "?" for character in name)
    if cell_len(plain) <= width:
        return plain
    while cell_len(plain) >= width:
        plain = plain[1:]
    return "…" + plain


def print_facts(facts: dict[str, Any]) -> None:
    """Print nested facts as two columns: dotted name, value."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _flat(facts):
        table.add_row(Text(name), Text(value))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else UNBOUNDED).print(table)


def _flat(facts: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)
