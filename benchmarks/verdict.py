"""What a verdict costs beside a bare forward of the same network, and beside the published way.

    python -m benchmarks.verdict [BUNDLE]

All are timed in turn in one process, so that the ratios mean something on any machine. A verdict runs from the decoded
square picture to the finished ``Verdict``, neighbours and all, by every engine that is installed and proved. The bare
forward is PyTorch's in single precision. Other programs make the ratios unsteady, so the machine's load is printed.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

import reason
from benchmarks.published import published_way
from reason.detector.detector import Detector
from reason.errors import ConfigError
from reason.signals import Requirement, SignalSet, SignalSettings

ROUNDS = 9
WARM_UP = 1
COLD_ROUNDS = 3
"""New processes of each kind; the median counts, as the first one may find a cold disk."""
BATCHES = (1, 8)
BARE, PUBLISHED = "bare forward, torch", "published way, torch"
TORCH_LIMITS = {"verdict": 2.5, "verdict of one pass": 1.15}
BEST_LIMITS: dict[str, dict[int, float]] = {"verdict": {1: 1.0, 8: 0.8}, "verdict of one pass": {1: 0.6, 8: 0.6}}
"""By batch size, for the fastest engine of all; of one pass, without views and gradient."""
FP32_LIMIT = 1.3
"""Of a verdict, for the fastest engine in single precision."""
PUBLISHED_GAIN = 4.0
LOAD_LIMIT_S, PREDICT_LIMIT_S = 1.0, 4.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    ms: float | None
    """Milliseconds an image; ``None`` where two ways are compared."""
    ratio: float
    """To a bare forward, or of two ways."""
    limit: str = ""
    holds: bool | None = None


def main(folder: Path) -> int:
    """Print the table; return 1 when a limit is missed."""
    detectors = by_engine(folder)
    rows = {batch: measure(detectors, batch) for batch in BATCHES}
    table = Table("batch", "what", "ms an image", "ratio to a bare forward", "limit", "")
    for batch, found in rows.items():
        for row in found:
            took = "" if row.ms is None else f"{row.ms:.1f}"
            table.add_row(str(batch), row.what, took, f"{row.ratio:.2f}", row.limit, _word(row.holds))
    loading, predicting = load_seconds(folder), predict_seconds(folder)
    console = Console(width=120)
    console.print(table)
    console.print(f"reason.load, PyTorch imported: {loading:.2f} s (limit {LOAD_LIMIT_S:.0f} s)")
    console.print(f"reason predict of one photo, a new process: {predicting:.1f} s (limit {PREDICT_LIMIT_S:.0f} s)")
    versions = ", ".join(sorted({detector.engine.version for detector in detectors.values()}))
    load = "" if not hasattr(os, "getloadavg") else f"; load of the machine in the last minute {os.getloadavg()[0]:.1f}"
    console.print(f"threads: {torch.get_num_threads()}; rounds: {ROUNDS}, median; {versions}{load}")
    held = [row.holds for found in rows.values() for row in found]
    return 1 if False in held or loading > LOAD_LIMIT_S or predicting > PREDICT_LIMIT_S else 0


def _word(holds: bool | None) -> str:
    return "" if holds is None else "pass" if holds else "MISS"


def by_engine(folder: Path) -> dict[str, Detector]:
    """Return the bundle by the name of each engine that may run it here, PyTorch first."""
    detectors = {"torch": reason.load(folder, engine="torch")}
    for name in detectors["torch"].engine_proofs:
        try:
            detectors[name] = reason.load(folder, engine=name)
        except ConfigError as error:
            print(error)
    return detectors


def measure(detectors: Mapping[str, Detector], batch: int) -> list[Row]:
    """Return the rows of one batch size."""
    detector = detectors["torch"]
    side = detector.preprocessing.size
    random = np.random.default_rng(0)
    pictures = [Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8)) for _ in range(batch)]
    pixels = torch.stack([detector.preprocessing.pixels(picture) for picture in pictures])
    images = detector.preprocessing.normalise(pixels).contiguous(memory_format=torch.channels_last)
    published = published_way(detector)

    def forward() -> None:
        with torch.inference_mode():
            detector.tapped.network(images)

    ways: dict[str, Callable[[], object]] = {BARE: forward}
    for name, one in detectors.items():
        ways[f"verdict of one pass, {name}"] = partial(of_one_pass(one).predict, pictures)
        ways[f"verdict, {name}"] = partial(one.predict, pictures)
    ways[PUBLISHED] = lambda: published(images)
    seconds = interleaved(ways)
    rows = [Row(what, took * 1000 / batch, took / seconds[BARE]) for what, took in seconds.items()]
    ratios = {row.what: row.ratio for row in rows}
    rows += [_limited(f"{what}, torch", ratios[f"{what}, torch"], limit) for what, limit in TORCH_LIMITS.items()]
    exact = [name for name, one in detectors.items() if one.engine.precision == "fp32"]
    if len(detectors) > 1:
        fastest = min(ratios[f"verdict, {name}"] for name in exact)
        rows.append(_limited("verdict, fastest engine in fp32", fastest, FP32_LIMIT))
        for what, limits in BEST_LIMITS.items():
            fastest = min(ratios[f"{what}, {name}"] for name in detectors)
            rows.append(_limited(f"{what}, fastest engine", fastest, limits[batch]))
    gain = seconds[PUBLISHED] / seconds["verdict, torch"]
    rows.append(Row("published way / verdict, torch", None, gain, f">= {PUBLISHED_GAIN}", gain >= PUBLISHED_GAIN))
    return rows


def _limited(what: str, ratio: float, limit: float) -> Row:
    return Row(what, None, ratio, f"<= {limit}", ratio <= limit)


def interleaved(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds of each way, timed in turn so that a slow moment touches all."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(WARM_UP + ROUNDS):
        for name, way in ways.items():
            way()  # not timed: threads of the way before may spin a little longer, and caches are its own
            start = time.perf_counter()
            way()
            if turn >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def of_one_pass(detector: Detector) -> Detector:
    """Return the detector without gradient and views; its MetaNet is a stand-in with as many hidden units."""
    from reason.detector.heads.metanet import MetaNet

    passes = {Requirement.GRADIENT, Requirement.VIEWS}
    families = tuple(family.name for family in detector.signals.families if not passes & family.requires)
    settings: SignalSettings = dataclasses.replace(detector.signal_settings, families=families)
    states = detector.signals.state()
    signals = SignalSet.from_state(settings, detector.base.classifier_head(), detector.base.taps, states)
    net = MetaNet(len(signals.names), **detector.head.shape).eval()
    return dataclasses.replace(detector, signal_settings=settings, signals=signals, head=net)


def load_seconds(folder: Path) -> float:
    """Return the seconds of ``reason.load`` with the engine that auto takes, in a process that has PyTorch."""
    program = "import time, torch; start = time.perf_counter(); import reason; "
    program += f"reason.load({str(folder)!r}); print(time.perf_counter() - start)"
    command = [sys.executable, "-c", program]
    taken = [float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(COLD_ROUNDS)]
    return statistics.median(taken)


def predict_seconds(folder: Path) -> float:
    """Return the seconds of ``reason predict`` of one photo, from starting Python to its end, with a warm disk."""
    with tempfile.TemporaryDirectory() as temporary:
        photo = Path(temporary) / "photo.jpg"
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (375, 500, 3), dtype=np.uint8)).save(photo)
        command = [sys.executable, "-m", "reason", "predict", str(photo), "--bundle", str(folder)]
        taken = []
        for _ in range(COLD_ROUNDS):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "reason_saved/imagenette")))
