"""Gathers the images of concurrent requests, so that one pass of the model judges several of them."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from reason.data.images import ImageInput, Prepared
from reason.detector.policy import AcceptancePolicy
from reason.detector.verdict import Verdict
from reason.threads import torch_threads

Predict = Callable[[AcceptancePolicy, Sequence[ImageInput | Prepared], Sequence[str | None]], list[Verdict]]
"""Judges a batch: the policy that its images share, the images, their names."""


class QueueFullError(Exception):
    """So many images wait already that these ones would wait too long."""


@dataclass(frozen=True, slots=True)
class Job:
    """One decoded image on its way to a verdict."""

    image: ImageInput | Prepared
    name: str | None
    policy: AcceptancePolicy
    answer: Future[Verdict] = field(default_factory=Future)


class Batcher:
    """One queue and one worker thread for one model."""

    def __init__(self, predict: Predict, *, size: int, window_s: float, limit: int, engine_threads: int = 0) -> None:
        """Args:
        predict: judges one batch; called from the worker thread only.
        size: most images in one batch.
        window_s: longest wait for companions, in seconds.
        limit: most images that may wait.
        engine_threads: threads of the engine that runs the base classifier; 0 leaves PyTorch's choice.
        """
        self._predict = predict
        self._size = size
        self._window_s = window_s
        self._limit = limit
        self._engine_threads = engine_threads
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None
        self._closed = False

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue all jobs or none; each job's ``answer`` then gets its verdict or its own error.

        Raises:
            QueueFullError: there is no room for all of them.
        """
        with self._changed:
            if len(self._waiting) + len(jobs) > self._limit:
                raise QueueFullError
            self._start_worker()
            self._waiting.extend(jobs)
            self._changed.notify()

    def close(self) -> None:
        """Judge what waits already, then end the worker."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._worker is not None:
            self._worker.join(timeout=10)

    def _start_worker(self) -> None:
        # Started by the first job and not with the object: a thread made before a server forks its
        # worker processes would not exist in them.
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="reason-batcher", daemon=True)
            self._worker.start()
            # A daemon thread that is inside PyTorch when the interpreter is torn down may crash it.
            atexit.register(self.close)

    def _work(self) -> None:
        with torch_threads(self._engine_threads):
            while batch := self._gather():
                # A request that gave up has cancelled its jobs; judging them would only delay the others.
                live = [job for job in batch if job.answer.set_running_or_notify_cancel()]
                for policy in dict.fromkeys(job.policy for job in live):
                    # One pass has one policy. Nearly all requests leave it to the bundle.
                    self._judge([job for job in live if job.policy == policy])

    def _gather(self) -> list[Job]:
        """Wait for a job, then a little longer for companions; an empty batch means the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            deadline = time.monotonic() + self._window_s
            # While a pass runs the next batch gathers by itself: the window only serves the idle model.
            while len(self._waiting) < self._size and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]

    def _judge(self, jobs: list[Job]) -> None:
        try:
            verdicts = self._predict(jobs[0].policy, [job.image for job in jobs], [job.name for job in jobs])
            answers = list(zip(jobs, verdicts, strict=True))
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].answer.set_exception(error)
                return
            # Alone, each image meets its own error and none is failed by a companion.
            for job in jobs:
                self._judge([job])
            return
        for job, verdict in answers:
            job.answer.set_result(verdict)
