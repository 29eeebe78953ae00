"""A detector can be copied and sent to other processes, and every copy judges as the first one does."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
import torch
from in_threads import in_threads

from reason.data.image_set import ImageSet
from reason.detector.detector import Detector


def through_pickle(detector: Detector) -> Detector:
    copied: Detector = pickle.loads(pickle.dumps(detector))
    return copied


@pytest.fixture
def pixels(shapes: ImageSet) -> torch.Tensor:
    return shapes.pixels[:6]


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, through_pickle])
def test_a_copy_judges_alike(detector: Detector, pixels: torch.Tensor, copied: Callable[[Detector], Detector]) -> None:
    expected = detector.judge(detector.extract(pixels))
    other = copied(detector)
    found = other.judge(other.extract(pixels))
    assert torch.equal(found.vectors, expected.vectors)
    assert torch.equal(found.reliability, expected.reliability)


@pytest.mark.parametrize("copied", [copy.deepcopy, through_pickle])
def test_a_copy_shares_nothing(
    detector: Detector, pixels: torch.Tensor, copied: Callable[[Detector], Detector]
) -> None:
    """Its hooks keep their own, and its engine runs its own weights."""
    before = detector.extract(pixels).logits
    other = copied(detector)
    assert other.engine is other.tapped
    with torch.no_grad():
        other.tapped.head.bias.add_(1)
    assert torch.equal(detector.extract(pixels).logits, before)
    torch.testing.assert_close(other.extract(pixels).logits, before + 1)


def test_threads_that_share_a_copy_do_not_mix_their_evidence(detector: Detector, pixels: torch.Tensor) -> None:
    other = through_pickle(detector)
    expected = [detector.extract(row[None]).embedding for row in pixels]
    found: dict[int, torch.Tensor] = {}

    def work(i: int) -> None:
        for _ in range(5):
            found[i] = other.extract(pixels[i][None]).embedding

    in_threads(work, len(pixels))
    for i, embedding in enumerate(expected):
        torch.testing.assert_close(found[i], embedding)


def reliabilities(detector: Detector, pixels: Any) -> list[float]:
    torch.set_num_threads(1)
    reliability: list[float] = detector.judge(detector.extract(torch.from_numpy(pixels))).reliability.tolist()
    return reliability


@pytest.mark.slow
def test_worker_processes_judge_with_their_copies(detector: Detector, pixels: torch.Tensor) -> None:
    expected = detector.judge(detector.extract(pixels)).reliability.tolist()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = [pool.submit(reliabilities, detector, pixels.numpy()) for _ in range(2)]
        for future in found:
            assert future.result(timeout=120) == pytest.approx(expected, abs=1e-6)
