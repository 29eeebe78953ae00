"""``reason predict`` as a process, where signals, pipes and terminals matter."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def start(bundle_folder: Path, *arguments: object, **options: Any) -> subprocess.Popen[Any]:
    words = [sys.executable, "-m", "reason", "predict", "--bundle", bundle_folder, *arguments]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(list(map(str, words)), **options)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return a named pipe: who judges it waits there until the test opens it."""
    path = tmp_path / "gate.png"
    os.mkfifo(path)
    return path


@pytest.mark.slow
def test_verdicts_stream_and_a_closed_pipe_ends_quietly(bundle_folder: Path, photos: Path, gate: Path) -> None:
    with start(bundle_folder, "--json", "--batch-size", 1, photos / "a.png", gate, photos / "b.jpg") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["source"] == str(photos / "a.png")
        process.stdout.close()
        gate.write_bytes((photos / "a.png").read_bytes())
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.slow
def test_an_interrupt_gives_code_130_and_no_traceback(bundle_folder: Path, photos: Path, gate: Path) -> None:
    with start(bundle_folder, "--json", "--batch-size", 1, photos / "a.png", gate) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        with gate.open("wb"):
            process.send_signal(signal.SIGINT)
        # The empty image may be complained of before the interrupt is seen, but nothing else.
        errors = process.stderr.read()
        assert errors in (b"", os.fsencode(f"{gate}: the file is empty; send an image.\n")), errors
    assert process.returncode == 130


@pytest.mark.slow
def test_the_bar_is_drawn_on_a_terminal_and_nowhere_else(bundle_folder: Path, photos: Path) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm"}
    with start(bundle_folder, "--json", photos, stderr=theirs, env=environment) as process:
        os.close(theirs)
        drawn = drain(ours)
        output, _ = process.communicate()
    assert b"load tiny" in drawn
    assert [Path(json.loads(line)["source"]).name for line in output.splitlines()] == ["a.png", "b.jpg", "c.png"]


def drain(terminal: int) -> bytes:
    """Read until the other side of the terminal is closed, which Linux reports as an error."""
    drawn = b""
    with open(terminal, "rb", buffering=0) as stream, contextlib.suppress(OSError):
        while chunk := stream.read(4096):
            drawn += chunk
    return drawn
