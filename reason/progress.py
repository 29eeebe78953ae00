"""Progress on the terminal's error stream: bars where a person watches it, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

console = Console(stderr=True, highlight=False)

_hidden = ContextVar("hidden", default=False)

T = TypeVar("T")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


class Bar:
    """One task of a progress display."""

    def __init__(self, display: Progress, title: str) -> None:
        self._display = display
        self._task = display.add_task(title, total=None)

    def set(self, done: int, total: int, title: str | None = None) -> None:
        """Show that ``done`` of ``total`` are done, under another title where one is given."""
        self._display.update(self._task, completed=done, total=total, description=title)

    def advance(self, done: int) -> None:
        """Show that ``done`` more are done."""
        self._display.update(self._task, advance=done)

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """Pass the items on and count them."""
        listed = list(items)
        for done, item in enumerate(listed):
            self.set(done, len(listed))
            yield item
        self.set(len(listed), len(listed))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hide the bar while the block prints lines; after an exception it stays hidden."""
        self.stop()
        yield
        self._display.start()

    def stop(self) -> None:
        """Take the bar away before its block ends."""
        if not self._display.disable:
            self._display.stop()


@contextmanager
def bar(title: str, unit: str = "", *, transient: bool = False) -> Iterator[Bar]:
    """Show a bar with rate and remaining time while the block runs.

    Args:
        title: what is done.
        unit: what is counted, such as ``images``.
        transient: whether the bar goes when the block ends; else it stays above what follows.
    """
    display = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=transient,
        redirect_stdout=False,  # what is printed there must not end up on the error stream
        disable=_hidden.get() or not sys.stderr.isatty(),
    )
    with display:
        yield Bar(display, title)


@contextmanager
def hidden() -> Iterator[None]:
    """Show no bars while the block runs, in this thread or task."""
    token = _hidden.set(True)
    try:
        yield
    finally:
        _hidden.reset(token)


def say(line: str) -> None:
    """Print one line above the bar."""
    console.print(line)
