"""Work ahead of time: in order, in bounded memory, and never in the way of an end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from noise_pictures import noise
from PIL import Image

from reason.data.labelled import open_labelled
from reason.data.labelled.ahead import in_order

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


@pytest.fixture(autouse=True)
def four_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let four threads work, whatever the machine has."""
    monkeypatch.setattr("reason.data.labelled.ahead.cores", lambda: 4)


def test_results_come_in_order_however_long_each_takes() -> None:
    def slow(item: int) -> int:
        time.sleep((item * 7 % 5) / 500)
        return item * item

    assert list(in_order(slow, range(50), ahead=6, weigh=lambda result: 1)) == [item * item for item in range(50)]


def test_several_threads_work_at_once() -> None:
    meet = threading.Barrier(4, timeout=10)  # nobody passes before the fourth has come
    assert list(in_order(lambda item: meet.wait() >= 0, range(8), ahead=4, weigh=lambda result: 1)) == [True] * 8


@pytest.mark.parametrize(("ahead", "room", "most"), [(6, 100, 6), (50, 8, 8 + 3)])
def test_work_stops_when_the_room_is_full(ahead: int, room: int, most: int) -> None:
    started: list[int] = []

    def work(item: int) -> int:
        started.append(item)
        return item

    results = in_order(work, range(100), ahead=ahead, room=room, weigh=lambda _: 1)
    for taken in range(20):
        assert next(results) == taken
        time.sleep(0.01)
        assert len(started) <= taken + 1 + most
    results.close()


def test_a_result_heavier_than_the_room_comes_through() -> None:
    assert list(in_order(lambda item: item, range(9), ahead=4, room=1, weigh=lambda _: 100)) == list(range(9))


def test_what_a_thread_raises_is_raised_in_its_turn() -> None:
    results = in_order(lambda item: 1 // (3 - item), range(9), ahead=4, weigh=lambda _: 1)
    assert [next(results), next(results), next(results)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_threads_end_when_nobody_reads_on() -> None:
    before = threading.active_count()
    results = in_order(lambda item: item, range(10_000), ahead=4, weigh=lambda _: 1)
    next(results)
    results.close()
    deadline = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


LARGE = """
import resource, sys
import numpy as np, torch
from reason.data.labelled import open_labelled

class Large(torch.utils.data.Dataset):
    targets = [index % 2 for index in range(2000)]
    def __len__(self):
        return 2000
    def __getitem__(self, index):
        return np.full((250, 400, 3), index % 256, np.uint8), index % 2

images = open_labelled(Large())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert [row for batch in images.batches(16) for row in batch.rows.tolist()] == list(range(2000))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // (1 if sys.platform == "linux" else 1024))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
def test_memory_stays_flat_over_thousands_of_images() -> None:
    """Together they would take 800 MB; one batch, the next one and what is being decoded take some 20."""
    done = subprocess.run([sys.executable, "-c", LARGE], env=ENVIRONMENT, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 80_000  # in kB


def test_prepared_images_are_kept_as_pixels(photos: Path) -> None:
    def shrink(image: Image.Image) -> torch.Tensor:
        return torch.from_numpy(np.array(image.convert("L").resize((4, 4)))[None])

    images = open_labelled(photos)
    batches = list(images.batches(4, shrink))
    assert all(batch.images == [] for batch in batches)
    pixels = torch.cat([batch.pixels for batch in batches if batch.pixels is not None])
    assert pixels.equal(torch.stack([shrink(Image.open(photos / source)) for source in images.sources]))
    digests = tuple(digest for batch in batches for digest in batch.digests)
    assert digests == images.digests() == open_labelled(photos).digests()


INTERRUPTED = """
import sys, time
from reason.data.labelled import open_labelled
print("ready", flush=True)
for batch in open_labelled(sys.argv[1]).batches(4):
    print("batch", flush=True)
    time.sleep(60)
"""


HANGING = """
import time
from reason.data.labelled import open_labelled
from PIL import Image

class Hangs(list):
    def __getitem__(self, index):
        if index == 6:
            print("batch", flush=True)
            time.sleep(60)
        return Image.new("RGB", (4, 4), (index, 0, 0)), index % 2

print("ready", flush=True)
for batch in open_labelled(Hangs(range(9))).batches(4):
    pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("program", [INTERRUPTED, HANGING], ids=["reading on", "waiting for a data set"])
def test_an_interrupted_process_ends_at_once(photos: Path, program: str) -> None:
    for number in range(100, 400):
        noise(number, 300, 300).save(photos / "emu" / f"{number}.png")
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(photos)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["ready\n", "batch\n"]
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGINT
    assert error.rstrip().endswith("KeyboardInterrupt")
