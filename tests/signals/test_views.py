"""Views: what they show, and what their signals say of it, worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.spatial.distance import cosine, jensenshannon

from reason.base.evidence import Evidence, concatenate
from reason.base.views import VIEWS, middle, shrunk
from reason.errors import EvidenceError
from reason.evaluation.baselines.views import MeanOverViews
from reason.signals import Bank, Pca
from reason.signals.neighbours import Neighbours
from reason.signals.views import Views

OWN = ("probability", "max_probability", "gap", "divergence", "similarity")


def test_the_shrunk_view_averages_blocks() -> None:
    """Of 5 x 5 pixels two fifths are 2 x 2; the middle row and column count in both halves."""
    image = torch.arange(25.0).view(1, 1, 5, 5)
    corners = image[0, 0, :3, :3], image[0, 0, :3, 2:], image[0, 0, 2:, :3], image[0, 0, 2:, 2:]
    assert shrunk(image).flatten().tolist() == [corner.mean().item() for corner in corners]


def test_the_middle_view_is_the_mirrored_middle() -> None:
    image = torch.arange(25.0).view(1, 1, 5, 5)
    assert middle(image)[0, 0].tolist() == [[8, 7, 6], [13, 12, 11], [18, 17, 16]]


@pytest.mark.parametrize(("name", "side"), [("shrunk", 64), ("middle", 96)])
def test_views_of_a_photo_are_small(name: str, side: int) -> None:
    images = torch.rand(2, 3, 160, 160)
    untouched = images.clone()
    assert VIEWS[name](images).shape == (2, 3, side, side)
    assert torch.equal(images, untouched)


@pytest.mark.parametrize("name", VIEWS)
def test_views_of_the_smallest_picture_have_a_pixel(name: str) -> None:
    assert VIEWS[name](torch.zeros(1, 1, 1, 1)).shape == (1, 1, 1, 1)


def seen(shrunk_logits: list[float], middle_logits: list[float]) -> Evidence:
    """Evidence of one picture of class 0 with probabilities 1/2, 1/4, 1/4."""
    return Evidence(
        torch.tensor([[math.log(2), 0.0, 0.0]]),
        torch.tensor([[3.0, 4.0]]),
        views={
            "shrunk": Evidence(torch.tensor([shrunk_logits]), torch.tensor([[6.0, 8.0]])),
            "middle": Evidence(torch.tensor([middle_logits]), torch.tensor([[4.0, 3.0]])),
        },
    )


def columns(evidence: Evidence, neighbours: Neighbours | None = None) -> dict[str, float]:
    family = Views(neighbours)
    return dict(zip(family.names, family.compute(evidence)[0].tolist(), strict=True))


def test_signals_of_a_view_that_agrees_and_of_one_that_does_not() -> None:
    found = columns(seen([math.log(2), 0.0, 0.0], [0.0, 0.0, math.log(6)]))
    assert list(found) == [f"{view}_{name}" for view in VIEWS for name in OWN]
    assert [found[f"shrunk_{name}"] for name in OWN] == pytest.approx([1 / 2, 1 / 2, math.log(2), 0, 1], abs=1e-6)
    divergence = jensenshannon([1 / 2, 1 / 4, 1 / 4], [1 / 8, 1 / 8, 3 / 4]) ** 2
    expected = [1 / 8, 3 / 4, -math.log(6), divergence, 1 - cosine([3, 4], [4, 3])]
    assert [found[f"middle_{name}"] for name in OWN] == pytest.approx(expected, abs=1e-6)


def test_opposite_views_diverge_by_ln_2() -> None:
    evidence = seen([-200.0, 200.0, -200.0], [0.0, 0.0, 0.0])
    sure = Evidence(torch.tensor([[200.0, -200.0, -200.0]]), evidence.embedding, views=evidence.views)
    assert columns(sure)["shrunk_divergence"] == pytest.approx(math.log(2))


def test_neighbours_are_those_of_the_views_embedding() -> None:
    pca = Pca(mean=torch.zeros(2), components=torch.eye(2), deviation=torch.ones(2))
    bank = Bank.fit(pca, torch.tensor([[3.0, 4.0], [4.0, 3.0]]), torch.tensor([0, 2]), ("a", "b"))
    neighbours = Neighbours(pca, bank, 1)
    evidence = seen([1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    found = columns(evidence, neighbours)
    for view in VIEWS:
        expected = neighbours.compute(evidence.views[view])[0].tolist()
        assert [found[f"{view}_{name}"] for name in neighbours.names] == expected
        assert found[f"{view}_knn_distance"] == pytest.approx(0, abs=2e-2)  # the bank is in half precision
        assert found[f"{view}_knn_label_agreement"] == 1


def test_evidence_without_views_is_refused() -> None:
    evidence = Evidence(torch.zeros(1, 2), torch.ones(1, 2))
    with pytest.raises(ValueError, match="views=True"):
        Views(None).compute(evidence)
    with pytest.raises(ValueError, match=r"mean over views needs .* views=True"):
        MeanOverViews().score(evidence)


def test_views_follow_their_images() -> None:
    one, other = seen([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]), seen([0.0, 0.0, 2.0], [3.0, 0.0, 0.0])
    both = concatenate([one, other])
    assert both.views["shrunk"].logits.tolist() == [[1, 0, 0], [0, 0, 2]]
    assert both[torch.tensor([1])].views["middle"].logits.tolist() == [[3, 0, 0]]
    plain = Evidence(one.logits, one.embedding)
    with pytest.raises(EvidenceError, match="view middle"):
        concatenate([one, plain])


def test_the_mean_probability_counts_the_picture_and_both_views() -> None:
    score = MeanOverViews().score(seen([0.0, 0.0, 0.0], [0.0, 0.0, math.log(6)]))
    assert score.tolist() == pytest.approx([(1 / 2 + 1 / 3 + 1 / 8) / 3])
