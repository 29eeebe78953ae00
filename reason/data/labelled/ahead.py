"""Work that is done ahead of whoever waits for it: in worker threads, in order, within a bounded room."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from reason.threads import cores

MOST_WORKERS = 16
"""Most threads of one line; each may hold one full-size picture."""

ROOM = 2**28
"""Weight of finished work, in bytes, from which on workers wait until some of it is taken."""

PATIENCE = 2.0
"""Seconds that a process that ends waits for its threads."""

T = TypeVar("T")
R = TypeVar("R")


def in_order(
    work: Callable[[T], R], items: Sequence[T], *, ahead: int, weigh: Callable[[R], int], room: int = ROOM
) -> Generator[R]:
    """Return ``work(item)`` of each item, in order, while threads do the next ones.

    An abandoned iterator leaves only the items that are being worked on, and an interrupted process waits for those at
    most, and for no more than ``PATIENCE``.

    Args:
        work: called in several threads at once; what it raises is raised here, when its item's turn comes.
        items: what to work on.
        ahead: most results that wait to be taken.
        weigh: bytes that a result holds.
        room: bytes that waiting results may hold together, but for what is being worked on.
    """
    line = _Line(work, items, max(1, ahead), weigh, room)
    line.start(min(cores(), MOST_WORKERS, len(items)))
    try:
        for place in range(len(items)):
            yield line.take(place)
    finally:
        line.stop()


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


class _Line(Generic[T, R]):
    """Items that threads work on, and results that wait for their turn."""

    def __init__(
        self, work: Callable[[T], R], items: Sequence[T], ahead: int, weigh: Callable[[R], int], room: int
    ) -> None:
        self._work, self._items, self._ahead, self._weigh, self._room = work, items, ahead, weigh, room
        self._changed = threading.Condition()
        self._done: dict[int, tuple[R | _Failure, int]] = {}
        self._started = self._taken = self._held = 0
        self._stopped = False
        self._threads: list[threading.Thread] = []

    def start(self, count: int) -> None:
        """Let so many threads work; daemons, so that one that hangs cannot hold up the end of the process."""
        self._threads = [threading.Thread(target=self.serve, name=f"ahead-{n}", daemon=True) for n in range(count)]
        _lines.add(self)
        for thread in self._threads:
            thread.start()

    def serve(self) -> None:
        """Work on one item after another until none is left."""
        while (place := self._start()) is not None:
            result, weight = self._result(place)
            with self._changed:
                self._done[place] = result, weight
                self._held += weight
                self._changed.notify_all()
            del result  # a waiting thread must not keep a picture

    def take(self, place: int) -> R:
        """Wait for the result of the next item."""
        with self._changed:
            self._changed.wait_for(lambda: place in self._done)
            result, weight = self._done.pop(place)
            self._held -= weight
            self._taken = place + 1
            self._changed.notify_all()
        if isinstance(result, _Failure):
            raise result.error
        return result

    def stop(self) -> None:
        """Let the threads end after what they are working on."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def join(self, until: float) -> None:
        """Wait for the threads, until this time of the monotonic clock at most."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _start(self) -> int | None:
        with self._changed:
            self._changed.wait_for(self._may_start)
            if self._stopped or self._started == len(self._items):
                return None
            self._started += 1
            return self._started - 1

    def _may_start(self) -> bool:
        if self._stopped or self._started == len(self._items) or self._started == self._taken:
            return True
        return self._started < self._taken + self._ahead and self._held < self._room

    def _result(self, place: int) -> tuple[R | _Failure, int]:
        try:
            result = self._work(self._items[place])
            return result, self._weigh(result)
        except BaseException as error:  # raised where the result is taken
            return _Failure(error), 0


_lines: weakref.WeakSet[_Line[Any, Any]] = weakref.WeakSet()


@atexit.register
def _end() -> None:
    """End all threads before the interpreter does: it would stop them inside native code, which may abort."""
    lines = list(_lines)
    for line in lines:
        line.stop()
    until = time.monotonic() + PATIENCE
    for line in lines:
        line.join(until)
