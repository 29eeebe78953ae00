"""What a user does with a classifier, each step in a process of its own: fit, predict, serve, evaluate."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.any_classifier.photos import FIT, TEST, TRAIN, Images
from benchmarks.any_classifier.preparing import Prepared
from reason.errors import ReasonError

REPOSITORY = Path(__file__).parents[2]
BUNDLE = "bundle"
PATIENCE_S = 120
"""Longest wait for a service to be ready."""
SAME = 1e-4
"""Largest difference of the reliabilities that the command line and the service give a picture."""


class StepError(ReasonError):
    """A step that a user takes failed."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many images REASON is given."""

    fit: int | None = None
    """All by default."""
    test: int | None = None
    """All by default."""


def run(prepared: Prepared, images: Images, sizes: Sizes) -> dict[str, Any]:
    """Take all steps, and return what the tables say as plain JSON.

    Raises:
        StepError: one failed; what it printed last is said.
    """
    folder = prepared.folder
    tables = images.write(folder, {FIT: sizes.fit, TEST: sizes.test})
    seconds, said = _fit(prepared)
    card = json.loads((folder / BUNDLE / "dataset_meta.json").read_text())
    picture = images.parts[TEST][0][0]
    _served_alike(folder, picture, json.loads(_reason(folder, "predict", str(picture), "--bundle", BUNDLE, "--json")))
    cost = json.loads(_cost(prepared))
    asked = ("--data", tables[FIT].name, "--test", tables[TEST].name, "--output", "figures", "--seeds", "1", "--json")
    report = json.loads(_reason(folder, "evaluate", BUNDLE, *asked))
    return {
        "name": prepared.case.name,
        "images": {TRAIN: prepared.trained_on, FIT: _count(tables[FIT]), TEST: _count(tables[TEST])},
        "fit": card["provenance"]["fit"],
        "choice": card["provenance"]["choice"],
        "families": card["signals"]["families"],
        "said": said,
        "seconds": seconds,
        "cost": cost,
        "splits": report["splits"],
    }


def _fit(prepared: Prepared) -> tuple[float, str]:
    """Fit, and return the seconds that it took and what it said."""
    case, folder = prepared.case, prepared.folder
    shutil.rmtree(folder / BUNDLE, ignore_errors=True)
    started = time.perf_counter()
    given = ("--classifier", prepared.spec, "--data", f"{FIT}.csv", "--classes", "classes.txt", "-o", BUNDLE)
    said = _reason(folder, "fit", *given, *case.options)
    return time.perf_counter() - started, said


def _cost(prepared: Prepared) -> str:
    case = prepared.case
    image = {} if case.says_size else case.preprocessing.to_dict()
    module = ("-m", "benchmarks.any_classifier.cost")
    return _output(prepared.folder, [*module, BUNDLE, prepared.spec, json.dumps(image)])


def _served_alike(folder: Path, picture: Path, expected: dict[str, Any]) -> None:
    """Serve the bundle, and have one picture judged."""
    command = [sys.executable, "-m", "reason", "serve", "--bundles", BUNDLE, "--port", "0", "--log-level", "warning"]
    service = subprocess.Popen(command, cwd=folder, env=_environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout is not None
        url = service.stdout.readline().partition(" on ")[2].partition(" ")[0]
        _wait(service, f"{url}/health/ready")
        request = Request(f"{url}/predict", picture.read_bytes(), {"Content-Type": "application/octet-stream"})
        with urlopen(request, timeout=PATIENCE_S) as answer:
            verdict = json.load(answer)
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(PATIENCE_S)
    if abs(verdict["reliability"] - expected["reliability"]) > SAME:
        raise StepError(
            f"{picture.name}: the service says {verdict['reliability']}, `reason predict` {expected['reliability']}."
        )


def _wait(service: subprocess.Popen[str], url: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while service.poll() is None and time.monotonic() < until:
        try:
            with urlopen(url, timeout=PATIENCE_S):
                return
        except OSError:
            time.sleep(0.2)
    raise StepError("the service was not ready in time.")


def _reason(folder: Path, *arguments: str) -> str:
    return _output(folder, ["-m", "reason", *arguments])


def _output(folder: Path, arguments: Sequence[str]) -> str:
    """Return what a Python process in a folder writes to its output."""
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )
    (folder / f"{arguments[2]}.log").write_text(ended.stderr)
    if ended.returncode:
        last = "\n".join(ended.stderr.strip().splitlines()[-5:])
        raise StepError(f"{' '.join(arguments[:3])} ended with {ended.returncode}: {last}")
    return ended.stdout


def _environment() -> dict[str, str]:
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _count(table: Path) -> int:
    return len(table.read_text().splitlines()) - 1
