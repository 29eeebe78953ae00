"""Work that is done ahead of whoever waits for it: in worker threads, in order, within a bounded room."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reason.threads import cores

MOST_WORKERS = 16
"""Most threads of one line; each may hold one full-size picture."""

ROOM = 2**28
"""Weight of finished work, in bytes, from which on workers wait until some of it is taken."""

T = TypeVar("T")
R = TypeVar("R")


def in_order(
    work: Callable[[T], R], items: Sequence[T], *, ahead: int, weigh: Callable[[R], int], room: int = ROOM
) -> Iterator[R]:
    """Return ``work(item)`` of each item, in order, while threads do the next ones.

    The threads are daemons and nobody waits for them: an interrupted process ends at once, and an abandoned iterator
    leaves only the items that are being worked on.

    Args:
        work: called in several threads at once; what it raises is raised here, when its item's turn comes.
        items: what to work on.
        ahead: most results that wait to be taken.
        weigh: bytes that a result holds.
        room: bytes that waiting results may hold together, but for what is being worked on.
    """
    line = _Line(work, items, max(1, ahead), weigh, room)
    for number in range(min(cores(), MOST_WORKERS, len(items))):
        threading.Thread(target=line.serve, name=f"ahead-{number}", daemon=True).start()
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
