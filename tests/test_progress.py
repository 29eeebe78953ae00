"""Bars are for a person at a terminal, and go to the error stream."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from reason import progress


class Terminal(io.StringIO):
    """A terminal that can be read back."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "console", Console(stderr=True))  # which looks for a terminal as it is made
    return stream


def test_a_bar_counts_on_the_terminal(terminal: Terminal) -> None:
    with progress.bar("decode", unit="images") as bar:
        assert list(bar.over("abc")) == ["a", "b", "c"]
    assert "decode" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()


def test_elsewhere_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar("decode") as bar, bar.aside():
        bar.set(1, 2)
        print("a line")  # noqa: T201
    progress.say("said")
    assert capsys.readouterr() == ("a line\n", "said\n")


def test_a_hidden_bar_shows_nothing_on_the_terminal_either(terminal: Terminal) -> None:
    with progress.hidden(), progress.bar("decode") as bar:
        bar.set(1, 2)
    assert terminal.getvalue() == ""
    with progress.bar("again") as bar:
        bar.advance(1)
    assert "again" in terminal.getvalue()


def test_a_bar_steps_aside_for_lines_and_takes_another_title(terminal: Terminal) -> None:
    with progress.bar("load", transient=True) as bar:
        bar.set(0, 4, title="judge")
        with bar.aside():
            before = terminal.getvalue()
            assert terminal.getvalue() == before
        bar.advance(4)
        bar.stop()
    assert "judge" in terminal.getvalue()
    assert "4/4" in terminal.getvalue()
