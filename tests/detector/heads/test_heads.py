"""Heads that are no network: one column, and a logistic regression around one column."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from reason.detector.heads import HEADS, Logistic, MetaNet, ReliabilityHead, Score
from reason.detector.heads.candidates import unusual_ranges
from reason.errors import FitError

NAMES = ("log_odds", "distance", "noise", "pca_001")
RAW = (False, False, False, True)


def drawn(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-odds and a distance that both tell, a column that does not, and a raw one."""
    random = np.random.default_rng(seed)
    columns = random.normal(size=(n, 4)) * (3, 0.1, 2, 1) + (4, 0.7, 0, 0)
    chance = 1 / (1 + np.exp(-(0.6 * columns[:, 0] - 8 * (columns[:, 1] - 0.7))))
    return torch.from_numpy(columns).float(), torch.from_numpy(random.random(n) < chance)


def test_a_score_is_its_column_in_deviations_turned_to_trust() -> None:
    vectors = torch.tensor([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]])
    correct = torch.ones(3, dtype=torch.bool)  # with one outcome alone there is no other scale
    head = Score.fit(vectors, correct, ("a", "b"), "b", "doubt")
    assert head(vectors).tolist() == [1.0, 0.0, -1.0]
    assert Score.fit(vectors, correct, ("a", "b"), "b", "trust")(vectors + 1).tolist() == [0.0, 1.0, 2.0]


def test_log_odds_stay_as_they_are() -> None:
    vectors, correct = drawn(50)
    assert torch.equal(Score.fit(vectors, correct, NAMES, "log_odds", "trust")(vectors), vectors[:, 0])


@pytest.mark.parametrize("direction", ["trust", "doubt"])
def test_another_score_is_brought_to_log_odds(direction: Literal["trust", "doubt"]) -> None:
    vectors, correct = drawn(800)
    if direction == "trust":
        vectors[:, 1] *= -1
    head = Score.fit(vectors, correct, NAMES, "distance", direction)
    plain = LogisticRegression(C=1e8).fit(vectors[:, 1:2].numpy() * 10, correct.numpy())
    assert head(vectors).numpy() == pytest.approx(plain.decision_function(vectors[:, 1:2].numpy() * 10), abs=0.02)


def test_a_score_of_no_use_is_still_turned_to_trust() -> None:
    vectors, correct = drawn(800)
    head = Score.fit(-vectors, correct, NAMES, "distance", "doubt")
    assert head(-vectors).numpy() == pytest.approx(
        ((vectors - vectors.mean(0)) / vectors.std(0))[:, 1].numpy(), abs=1e-4
    )


def test_a_score_does_not_saturate() -> None:
    vectors = torch.tensor([[0.0], [1.0], [2.0], [500.0], [500.001]])
    found = Score.fit(vectors[:3], torch.tensor([False, True, True]), ("a",), "a", "trust")(vectors)
    assert (found.diff() > 0).all()


def test_a_column_that_never_varies_scores_all_alike() -> None:
    vectors = torch.ones(4, 1)
    found = Score.fit(vectors, torch.tensor([True, True, False, True]), ("a",), "a", "trust")(vectors)
    assert len(set(found.tolist())) == 1


def test_the_logistic_regression_is_that_of_another_optimiser() -> None:
    """SciPy's BFGS on the same loss, written out anew; weights of the raw column stay 0."""
    vectors, correct = drawn(400)
    head = Logistic.fit(vectors, correct, RAW, NAMES, anchor="log_odds", penalty=7.0)
    standard = ((vectors - vectors.mean(dim=0)) / vectors.std(dim=0)).double().numpy()[:, :3]
    standard[:, 1:] = standard[:, 1:].clip(-5, 5)
    signs = np.where(correct.numpy(), 1.0, -1.0)

    def loss(w: np.ndarray) -> float:
        margins = signs * (w[0] + standard @ w[1:])
        return float(np.log1p(np.exp(-margins)).sum() + 3.5 * (w[2:] ** 2).sum())

    expected = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-6}).x
    assert head.bias.item() == pytest.approx(expected[0], abs=1e-3)
    assert head.weight[:3].numpy() == pytest.approx(expected[1:], abs=1e-3)
    assert head.weight[3].item() == 0


def test_without_a_penalty_it_is_plain_logistic_regression() -> None:
    vectors, correct = drawn(600)
    head = Logistic.fit(vectors, correct, (False,) * 4, NAMES, anchor="log_odds", penalty=1e-6)
    plain = LogisticRegression(C=1e8, max_iter=5000).fit(vectors.numpy(), correct.numpy())
    assert head(vectors).numpy() == pytest.approx(plain.decision_function(vectors.numpy()), abs=0.03)


def test_the_more_it_is_penalised_the_closer_it_ranks_to_its_anchor() -> None:
    vectors, correct = drawn(300)
    near = []
    for penalty in (0.1, 10.0, 1000.0, 1e9):
        head = Logistic.fit(vectors, correct, RAW, NAMES, anchor="log_odds", penalty=penalty)
        near.append(spearmanr(head(vectors).numpy(), vectors[:, 0].numpy()).statistic)
    assert near == sorted(near)
    assert near[0] < 0.95
    assert near[-1] > 1 - 1e-6


def test_the_anchor_is_not_clipped_and_the_others_are() -> None:
    vectors, correct = drawn(300)
    head = Logistic.fit(vectors, correct, RAW, NAMES, anchor="log_odds", penalty=1.0)
    far = torch.tensor([[1e3, 1e3, 0.0, 0.0], [2e3, 2e3, 0.0, 0.0]])
    standard = head.standardise(far)
    assert standard[1, 0] > standard[0, 0] > 100
    assert standard[:, 1].tolist() == [5.0, 5.0]


@pytest.mark.parametrize("wrong", [1, 2])
def test_an_anchor_that_separates_all_rows_gets_a_finite_slope(wrong: int) -> None:
    vectors = torch.linspace(-1, 1, 40)[:, None]
    correct = torch.arange(40) >= wrong
    head = Logistic.fit(vectors, correct, (False,), ("log_odds",), anchor="log_odds", penalty=1.0)
    assert torch.isfinite(head.weight).all()
    assert (head(vectors).diff() > 0).all()


def test_what_lies_within_the_usual_range_changes_nothing() -> None:
    """A range from the 95% quantile of the distance on: below it, images rank by the log-odds alone."""
    vectors, correct = drawn(500)
    quantile = float(np.quantile(vectors[:, 1].numpy(), 0.95))
    ranges = unusual_ranges(vectors, ("none", "doubt", "none", "none"), 0.95)
    assert ranges[:, 1].tolist() == pytest.approx([quantile, np.inf])
    assert ranges[:, [0, 2, 3]].isnan().all()
    head = Logistic.fit(vectors, correct, RAW, NAMES, anchor="log_odds", penalty=1.0, ranges=ranges)
    assert (head.weight != 0).tolist() == [True, True, False, False]
    assert head.weight[1] < 0  # the farther, the more doubtful
    usual = vectors[:, 1] <= quantile
    assert spearmanr(head(vectors)[usual].numpy(), vectors[usual, 0].numpy()).statistic == pytest.approx(1)
    near, far = torch.tensor([[4.0, quantile - 0.3, 0, 0]]), torch.tensor([[4.0, quantile + 0.1, 0, 0]])
    assert head(far) < head(near)
    assert head(near) == head(near - torch.tensor([0.0, 0.1, 0.0, 0.0]))


def test_the_unusual_of_a_column_of_trust_is_its_low_end() -> None:
    vectors = torch.arange(101.0)[:, None]
    assert unusual_ranges(vectors, ("trust",), 0.95)[:, 0].tolist() == pytest.approx([-np.inf, 5.0])


def test_one_outcome_alone_teaches_nothing() -> None:
    with pytest.raises(FitError, match="needs correct and wrong predictions"):
        Logistic.fit(torch.randn(5, 1), torch.ones(5, dtype=torch.bool), (False,), ("a",), anchor="a", penalty=1.0)


@pytest.mark.parametrize(
    "head",
    [
        Score.fit(*drawn(50), NAMES, "distance", "doubt"),
        Logistic.fit(*drawn(50), RAW, NAMES, anchor="log_odds", penalty=1.0),
        MetaNet(4, (3,), members=2).frozen(),
    ],
    ids=lambda head: head.kind,
)
def test_shape_and_state_make_the_same_head_again(head: ReliabilityHead) -> None:
    again = HEADS[head.kind].unfitted(NAMES, head.shape)
    again.load_state_dict(head.state_dict())
    vectors = drawn(20, seed=3)[0]
    assert torch.equal(again.frozen()(vectors), head(vectors))
    assert again.shape == head.shape


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"^head: reads the column 'entropy', which meta_names lacks$"):
        Score("entropy", "doubt", NAMES)
    with pytest.raises(ValueError, match="'entropy'"):
        Logistic("entropy", NAMES)
