"""How many processor threads work at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def cores() -> int:
    """Return how many processor cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let PyTorch use so many threads while the block runs, when it is called from this thread.

    One thread is faster for networks so small that threads only wait for each other, and sums come in one order on
    any number of cores.

    Args:
        count: number of threads; 0 leaves what there is.
    """
    import torch  # imported here: whoever asks for the cores alone need not wait for it

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
