"""The batcher by itself, with a model that does nothing but note its batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from reason.detector.certificate import Certificate
from reason.detector.policy import AcceptancePolicy
from reason.serving.batcher import Batcher, Job, QueueFullError

OWN = AcceptancePolicy(0.6, None)


class Model:
    """Answers each image by its name; holds the first pass until it is released."""

    def __init__(self) -> None:
        self.batches: list[list[str | None]] = []
        self.policies: list[AcceptancePolicy] = []
        self.entered = threading.Event()
        self.release = threading.Event()

    def __call__(self, policy: AcceptancePolicy, images: Sequence[Any], names: Sequence[str | None]) -> Any:
        self.batches.append(list(names))
        self.policies.append(policy)
        self.entered.set()
        self.release.wait()
        if "bad" in names:
            raise ValueError("bad image")
        return [SimpleNamespace(name=name) for name in names]


Make = Callable[..., tuple[Batcher, Model]]


@pytest.fixture
def make() -> Any:
    made: list[tuple[Batcher, Model]] = []

    def build(size: int = 4, limit: int = 16) -> tuple[Batcher, Model]:
        model = Model()
        made.append((Batcher(model, size=size, window_s=0, limit=limit), model))
        return made[-1]

    yield build
    for batcher, model in made:
        model.release.set()
        batcher.close()


def promising(risk: float) -> AcceptancePolicy:
    return AcceptancePolicy(0.9, Certificate(risk, 0.05, 500, risk, 0.8, "made up"))


def jobs(*names: str, policy: AcceptancePolicy = OWN) -> list[Job]:
    return [Job(Image.new("L", (1, 1)), name, policy) for name in names]


def names_of(submitted: list[Job]) -> list[str]:
    return [job.answer.result(timeout=120).name for job in submitted]  # type: ignore[attr-defined]


def hold(batcher: Batcher, model: Model) -> list[Job]:
    """Keep the model busy with one job, so that what is submitted next must gather."""
    first = jobs("first")
    batcher.submit(first)
    assert model.entered.wait(timeout=120)
    return first


def test_jobs_that_come_while_a_pass_runs_share_the_next_ones(make: Make) -> None:
    batcher, model = make(size=4)
    first = hold(batcher, model)
    rest = jobs("a", "b", "c", "d", "e", "f")
    for job in rest:
        batcher.submit([job])
    model.release.set()
    assert names_of(first + rest) == ["first", "a", "b", "c", "d", "e", "f"]
    assert model.batches == [["first"], ["a", "b", "c", "d"], ["e", "f"]]


def test_error_goes_to_its_own_job(make: Make) -> None:
    batcher, model = make()
    hold(batcher, model)
    good, bad = jobs("a", "b"), jobs("bad")
    batcher.submit([good[0], bad[0], good[1]])
    model.release.set()
    assert names_of(good) == ["a", "b"]
    with pytest.raises(ValueError, match="bad image"):
        bad[0].answer.result(timeout=120)


def test_each_pass_has_one_rule(make: Make) -> None:
    batcher, model = make(size=6)
    hold(batcher, model)
    mixed = jobs("a", "b") + jobs("c", policy=AcceptancePolicy(0.9, None)) + jobs("d")
    # The same threshold with another promise is another policy; two requests for one risk have the same.
    mixed += jobs("e", policy=promising(0.03)) + jobs("f", policy=promising(0.03))
    batcher.submit(mixed)
    model.release.set()
    assert names_of(mixed) == ["a", "b", "c", "d", "e", "f"]
    assert model.batches[1:] == [["a", "b", "d"], ["c"], ["e", "f"]]
    assert model.policies[1:] == [OWN, AcceptancePolicy(0.9, None), promising(0.03)]


def test_all_or_none_fit_the_queue(make: Make) -> None:
    batcher, model = make(limit=2)
    hold(batcher, model)
    waiting = jobs("a")
    batcher.submit(waiting)
    with pytest.raises(QueueFullError):
        batcher.submit(jobs("b", "c"))
    batcher.submit(last := jobs("d"))
    model.release.set()
    assert names_of(waiting + last) == ["a", "d"]
    assert model.batches[1:] == [["a", "d"]]


def test_cancelled_job_costs_no_pass(make: Make) -> None:
    batcher, model = make(size=1)
    hold(batcher, model)
    given_up, wanted = jobs("given up"), jobs("wanted")
    batcher.submit(given_up)
    batcher.submit(wanted)
    assert given_up[0].answer.cancel()
    model.release.set()
    assert names_of(wanted) == ["wanted"]
    assert model.batches == [["first"], ["wanted"]]


def test_no_thread_before_the_first_job(make: Make) -> None:
    before = threading.active_count()
    batcher, model = make()
    assert threading.active_count() == before
    model.release.set()
    batcher.submit(sent := jobs("a"))
    assert names_of(sent) == ["a"]
    assert threading.active_count() == before + 1


def test_close_answers_what_waits_and_ends_the_thread(make: Make) -> None:
    batcher, model = make()
    first = hold(batcher, model)
    batcher.submit(rest := jobs("a", "b"))
    model.release.set()
    batcher.close()
    assert all(job.answer.done() for job in first + rest)
    assert not [thread for thread in threading.enumerate() if thread is batcher._worker]
