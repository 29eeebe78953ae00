"""What a verdict costs beside a bare forward of the same network, and beside the published way.

    python -m benchmarks.verdict [BUNDLE]

All are timed in turn in one process and in the precision that serves, so that the ratios mean something on any machine.
A verdict runs from the decoded square picture to the finished ``Verdict``, neighbours and all.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

import reason
from benchmarks.published import published_way
from reason.detector.detector import Detector
from reason.signals import Requirement, SignalSet, SignalSettings

ROUNDS = 15
WARM_UP = 3
BATCHES = (1, 8)
LIMITS = {"verdict": 2.5, "verdict of one pass": 1.15}
PUBLISHED_GAIN = 4.0
START_UP_LIMIT_S = 10.0

Row = tuple[str, float | None, float, str, bool | None]


def main(folder: Path) -> int:
    """Print the table; return 1 when a limit is missed."""
    detector = reason.load(folder)
    table = Table("batch", "what", "ms an image", "ratio to a bare forward", "limit", "")
    missed = 0
    for batch in BATCHES:
        for name, ms, ratio, limit, holds in measure(detector, batch):
            took = "" if ms is None else f"{ms:.1f}"
            table.add_row(str(batch), name, took, f"{ratio:.2f}", limit, "" if holds is None else _word(holds))
            missed += holds is False
    started = start_up_seconds(folder)
    holds = started <= START_UP_LIMIT_S
    missed += not holds
    console = Console()
    console.print(table)
    console.print(f"start-up to loaded: {started:.1f} s (limit {START_UP_LIMIT_S:.0f} s) {_word(holds)}")
    console.print(f"threads: {torch.get_num_threads()}; rounds: {ROUNDS}, median; PyTorch {torch.__version__}")
    return 1 if missed else 0


def _word(holds: bool) -> str:
    return "pass" if holds else "MISS"


def measure(detector: Detector, batch: int) -> list[Row]:
    """Return a row for each way: name, milliseconds an image, ratio to a bare forward, limit, whether it holds.

    The last row compares two of the ways: its ratio is theirs, and it has no milliseconds.
    """
    side = detector.preprocessing.size
    random = np.random.default_rng(0)
    pictures = [Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8)) for _ in range(batch)]
    pixels = torch.stack([detector.preprocessing.pixels(picture) for picture in pictures])
    images = detector.preprocessing.normalise(pixels).contiguous(memory_format=torch.channels_last)
    lean = of_one_pass(detector)
    published = published_way(detector)

    def forward() -> None:
        with torch.inference_mode():
            detector.base.network(images)

    seconds = interleaved(
        {
            "bare forward": forward,
            "verdict of one pass": lambda: lean.predict(pictures),
            "verdict": lambda: detector.predict(pictures),
            "published way": lambda: published(images),
        }
    )
    bare = seconds["bare forward"]
    rows: list[Row] = []
    for name, took in seconds.items():
        ratio, limit = took / bare, LIMITS.get(name)
        holds = None if limit is None else ratio <= limit
        rows.append((name, took * 1000 / batch, ratio, "" if limit is None else f"<= {limit}", holds))
    gain = seconds["published way"] / seconds["verdict"]
    rows.append((f"published way / verdict = {gain:.1f}", None, gain, f">= {PUBLISHED_GAIN}", gain >= PUBLISHED_GAIN))
    return rows


def interleaved(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds of each way, timed in turn so that a slow moment touches all."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(WARM_UP + ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if turn >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def of_one_pass(detector: Detector) -> Detector:
    """Return the detector without gradient and views; its MetaNet is a stand-in with as many hidden units."""
    from reason.base.head import head_of
    from reason.detector.metanet import MetaNet

    passes = {Requirement.GRADIENT, Requirement.VIEWS}
    families = tuple(family.name for family in detector.signals.families if not passes & family.requires)
    settings: SignalSettings = dataclasses.replace(detector.signal_settings, families=families)
    states = detector.signals.state()
    signals = SignalSet.from_state(settings, head_of(detector.base), detector.base.taps, states)
    net = MetaNet(len(signals.names), **detector.metanet.shape).eval()
    return dataclasses.replace(detector, signal_settings=settings, signals=signals, metanet=net)


def start_up_seconds(folder: Path) -> float:
    """Return the seconds from starting Python until the bundle is loaded, with a warm disk."""
    command = [sys.executable, "-c", f"import reason; reason.load({str(folder)!r})"]
    subprocess.run(command, check=True, env=os.environ)
    start = time.perf_counter()
    subprocess.run(command, check=True, env=os.environ)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "reason_saved/imagenette")))
