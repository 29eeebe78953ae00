"""Bars are for a person at a terminal, and go to the error stream."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import pytest
from rich.console import Console

from reason import progress


class Terminal(io.StringIO):
    """A terminal that can be read back."""

    def isatty(self) -> bool:
        return True


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Write errors to a terminal; a console looks for one as it is made."""
    monkeypatch.setenv("TERM", "xterm")
    with redirect_stderr(Terminal()) as stream, monkeypatch.context() as patch:
        patch.setattr(progress, "console", Console(stderr=True))
        yield stream


def test_a_bar_counts_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as shown, progress.bar("decode", unit="images") as bar:
        assert list(bar.over("abc")) == ["a", "b", "c"]
    assert "decode" in shown.getvalue()
    assert "3/3" in shown.getvalue()
    assert "images" in shown.getvalue()


def test_elsewhere_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar("decode") as bar, bar.aside():
        bar.set(1, 2)
        print("a line")  # noqa: T201
    progress.say("said")
    assert capsys.readouterr() == ("a line\n", "said\n")


def test_a_hidden_bar_shows_nothing_on_the_terminal_either(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as shown:
        with progress.hidden(), progress.bar("decode") as bar:
            bar.set(1, 2)
        assert shown.getvalue() == ""
        with progress.bar("again") as bar:
            bar.advance(1)
    assert "again" in shown.getvalue()


def test_a_bar_steps_aside_for_lines_and_takes_another_title(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as shown, progress.bar("load", transient=True) as bar:
        bar.set(0, 4, title="judge")
        with bar.aside():
            before = shown.getvalue()
            bar.advance(2)
            assert shown.getvalue() == before, "nothing is drawn meanwhile"
        bar.advance(2)
        bar.stop()
    assert "judge" in shown.getvalue()
    assert "4/4" in shown.getvalue()
