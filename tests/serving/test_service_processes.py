"""The front doors as processes: ``python reason_api.py`` and gunicorn, how they start and how they end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from PIL import Image
from service_pictures import encode

ROOT = Path(__file__).parents[2]
API = [sys.executable, "reason_api.py"]
GUNICORN = [sys.executable, "-m", "gunicorn", "reason_api:app"]
PATIENCE_S = 300
"""Seconds after which a process counts as hung; far more than any of them needs."""

Launch = Callable[..., "subprocess.Popen[str]"]


def environment(**settings: object) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REASON_")}
    return clean | {name: str(value) for name, value in settings.items()} | {"OMP_NUM_THREADS": "2"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def process(command: list[str], settings: dict[str, object]) -> Iterator[subprocess.Popen[str]]:
    # A shell that puts the tests into the background has Ctrl-C ignored, and a child would inherit that.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    started = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, previous)
    with started:
        try:
            yield started
        finally:
            started.kill()


@pytest.fixture
def launch() -> Iterator[Launch]:
    with ExitStack() as stack:
        yield lambda command, **settings: stack.enter_context(process(command, settings))


def finished(command: list[str], **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command that is expected to end by itself."""
    return subprocess.run(
        command, cwd=ROOT, env=environment(**settings), capture_output=True, text=True, timeout=PATIENCE_S
    )


def address_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    line = server.stdout.readline()
    found = re.fullmatch(r"REASON listens on (http://\S+) \(Ctrl-C ends it\)\.\n", line)
    assert found, line
    return found[1]


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if requests.get(f"{url}/health/ready", timeout=PATIENCE_S).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline, "the service did not get ready"
        time.sleep(0.1)


def judge(url: str, picture: Image.Image) -> requests.Response:
    return requests.post(f"{url}/predict", files={"image": encode(picture)}, timeout=PATIENCE_S)


@pytest.mark.slow
@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_python_reason_api(
    launch: Launch, saved_folder: Path, picture: Image.Image, stop: signal.Signals, code: int
) -> None:
    server = launch(API, REASON_BUNDLES=saved_folder, REASON_PORT=0)
    url = address_of(server)
    assert url.startswith("http://127.0.0.1:")
    wait_until_ready(url)
    assert judge(url, picture).json()["model"] == "tiny"
    server.send_signal(stop)
    _, errors = server.communicate(timeout=PATIENCE_S)
    assert server.returncode == code
    assert "Traceback" not in errors
    assert '"path": "/predict", "status": 200' in errors


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [
        ["--workers", "1", "--threads", "8"],
        ["--workers", "2", "--threads", "4", "--preload"],
        [],
    ],
)
def test_gunicorn(launch: Launch, saved_folder: Path, picture: Image.Image, flags: list[str]) -> None:
    port = free_port()
    server = launch([*GUNICORN, *flags], REASON_BUNDLES=saved_folder, REASON_PORT=port)
    url = f"http://127.0.0.1:{port}"
    wait_until_ready(url)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: judge(url, picture), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["class"] for answer in answers} == {answers[0].json()["class"]}
    large = requests.post(f"{url}/predict", files={"image": b"x" * 40_000_000}, timeout=PATIENCE_S)
    assert (large.status_code, large.json()["title"]) == (413, "Upload too large")
    server.terminate()
    _, errors = server.communicate(timeout=PATIENCE_S)
    assert server.returncode == 0
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [API, GUNICORN, [*GUNICORN, "--preload"], [sys.executable, "-c", "from reason_api import app"]]
)
def test_missing_bundle_is_one_sentence(tmp_path: Path, command: list[str]) -> None:
    ended = finished(command, REASON_BUNDLES=tmp_path, REASON_PORT=0)
    assert ended.returncode == 1
    assert ended.stderr.removeprefix("Error: ") == (
        f"{tmp_path}: no bundle to serve; train one with `reason train`, "
        "or set REASON_BUNDLES to a folder of bundles.\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("command", "code"), [(API, 1), (GUNICORN, 4)])
def test_damaged_bundle_is_one_sentence(tmp_path: Path, bundle_folder: Path, command: list[str], code: int) -> None:
    damaged = shutil.copytree(bundle_folder, tmp_path / "damaged")
    weights = damaged / "best_base.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    ended = finished(command, REASON_BUNDLES=tmp_path, REASON_PORT=0)
    assert ended.returncode == code
    sentences = [line for line in ended.stderr.splitlines() if "best_base.safetensors" in line]
    assert len(sentences) == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [API, GUNICORN])
def test_wrong_setting_is_one_sentence(saved_folder: Path, command: list[str]) -> None:
    ended = finished(command, REASON_BUNDLES=saved_folder, REASON_PROT=1)
    assert ended.returncode == 1
    assert ended.stderr.removeprefix("Error: ") == (
        "REASON_PROT: unknown setting of the service; did you mean REASON_PORT?\n"
    )


@pytest.mark.slow
def test_unknown_default_model_is_one_sentence(saved_folder: Path) -> None:
    ended = finished(API, REASON_BUNDLES=saved_folder, REASON_PORT=0, REASON_MODEL="huge")
    assert ended.returncode == 1
    assert "REASON_MODEL: no bundle named 'huge'" in ended.stderr
    assert "there is tiny." in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_port_in_use_is_one_sentence(saved_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ended = finished([*API, "--port", str(port)], REASON_BUNDLES=saved_folder)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        f"Error: 127.0.0.1 port {port} is in use by another program; stop that, or set REASON_PORT to another port.\n"
    )
