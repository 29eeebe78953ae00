"""How fast labelled images stream, and in how much memory: looked at, split, read in batches, kept by a progress store.

    python -m benchmarks.streaming [COUNT] [--side PIXELS] [--folder FOLDER]

The images are drawn when they are asked for, unless a folder with one subfolder a class is given. The peak is the
largest resident memory of the process up to there. There is no network.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from reason.data.images import Preprocessing
from reason.data.labelled import Batch, Copies, LabelledImages, ProgressStore, open_labelled, split_labelled

SHARES = 0.6, 0.2
"""Of the images, before the rest."""

BATCH = 64


class Drawn(torch.utils.data.Dataset[Any]):
    """Pictures of noise, each drawn from its index.

    Args:
        count: how many.
        side: of each, in pixels.
    """

    def __init__(self, count: int, side: int) -> None:
        self.targets = [index % 10 for index in range(count)]
        self._side = side

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        random = np.random.default_rng(index)
        return random.integers(0, 256, (self._side, self._side, 3), dtype=np.uint8), self.targets[index]


class Stages:
    """What each stage took."""

    def __init__(self) -> None:
        self.table = Table("stage", "images", "images/s", "peak, MB", title="Streaming")
        self._start = time.perf_counter()

    def note(self, stage: str, images: int) -> None:
        """Add a stage that ends now, and began where the last one ended."""
        now = time.perf_counter()
        rate, self._start = images / max(now - self._start, 1e-9), now
        self.table.add_row(stage, f"{images:,}", f"{rate:,.0f}", f"{_peak():,.0f}")


def _peak() -> float:
    """Return the largest resident memory so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def stream(images: LabelledImages, folder: Path, stages: Stages) -> None:
    """Look at all images, split them, and read each part once in batches; of the second part, corrupted copies."""
    preprocessing = Preprocessing(64, "RGB", (0.5,) * 3, (0.25,) * 3)
    store = ProgressStore(folder)
    store.look(images)
    stages.note("look at all, for digests", len(images))
    parts = split_labelled(images, SHARES, seed=0)
    stages.note("split", len(images))
    copies = Copies(("contrast", "brightness", "occlude"), seed=0)

    def mean(batch: Batch) -> Mapping[str, torch.Tensor]:
        assert batch.pixels is not None
        return {"mean": batch.pixels.float().mean(dim=(2, 3))}

    def corrupted(batch: Batch) -> Mapping[str, torch.Tensor]:
        assert batch.pixels is not None
        return {"mean": copies.of(batch.pixels, batch.sources).pixels.float().mean(dim=(2, 3))}

    for name, part, work in (("bank", parts[0], mean), ("copies", parts[1], corrupted), ("test", parts[2], mean)):
        chunks = store.run(part, work, title=name, batch_size=BATCH, prepare=preprocessing.pixels)
        kept = torch.cat([chunk.arrays["mean"] for chunk in chunks])
        stages.note(f"read in batches: {name}", len(kept))


def main() -> None:
    """Stream images and print a table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=100_000, help="images to draw")
    parser.add_argument("--side", type=int, default=96, help="their side in pixels")
    parser.add_argument("--folder", type=Path, help="images to read instead")
    asked = parser.parse_args()
    stages = Stages()
    images = open_labelled(asked.folder or Drawn(asked.count, asked.side))
    stages.note("open", len(images))
    with tempfile.TemporaryDirectory() as folder:
        stream(images, Path(folder), stages)
    Console().print(stages.table)


if __name__ == "__main__":
    main()
