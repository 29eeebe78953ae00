"""The MetaNet learns what there is to learn, and its calibration is that of an independent fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from reason import metanet
from reason.calibration import Platt
from reason.errors import FitError
from reason.metanet import CLIP, MetaNet, MetaNetSettings
from reason.metrics import auroc

SETTINGS = MetaNetSettings(hidden=(16,), epochs=20, members=2, batch_size=64)


def ring(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points that are right inside a circle, wrong outside: no linear score can tell."""
    points = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    return points, points.norm(dim=1) < 1.2


def test_learns_what_a_line_cannot() -> None:
    net = metanet.fit(*ring(2000, seed=0), groups=("softmax", "softmax"), settings=SETTINGS, seed=0)
    points, correct = ring(1000, seed=1)
    assert auroc(net(points).numpy(), correct.numpy()) > 0.95


def test_the_same_seed_gives_the_same_net_and_leaves_the_global_one_alone() -> None:
    data = ring(300, seed=0)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    nets = [metanet.fit(*data, groups=("a", "a"), settings=SETTINGS, seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(torch.rand(3), expected)
    scores = [net(data[0]) for net in nets]
    assert torch.equal(scores[0], scores[1])
    assert not torch.equal(scores[0], scores[2])


def test_outliers_are_clipped() -> None:
    net = MetaNet(2, (4,))
    assert net.standardise(torch.tensor([[1e9, -1e9]])).tolist() == [[CLIP, -CLIP]]


def test_members_are_averaged() -> None:
    torch.manual_seed(0)
    net = MetaNet(3, (4,), members=3).eval()
    vectors = torch.randn(5, 3)
    expected = sum(member(vectors) for member in net.members) / 3
    torch.testing.assert_close(net(vectors), expected)


def test_hidden_columns_cannot_be_relied_on() -> None:
    """With certain group dropout the embedding columns carry nothing, however telling they look."""
    correct = torch.rand(400, generator=torch.Generator().manual_seed(0)) < 0.5
    vectors = torch.stack([torch.randn(400, generator=torch.Generator().manual_seed(1)), correct.float()], dim=1)
    settings = MetaNetSettings(hidden=(8,), epochs=10, members=1, group_dropout=1.0, batch_size=16, learning_rate=1e-2)
    blind = metanet.fit(vectors, correct, ("softmax", "embedding"), settings, seed=0)
    seeing = metanet.fit(vectors, correct, ("softmax", "softmax"), settings, seed=0)
    assert auroc(seeing(vectors).numpy(), correct.numpy()) > 0.99
    assert auroc(blind(vectors).numpy(), correct.numpy()) < 0.8


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_alone_is_an_error(outcome: bool) -> None:
    correct = torch.full((20,), outcome)
    with pytest.raises(FitError, match="correct and wrong"):
        metanet.fit(torch.randn(20, 2), correct, ("a", "a"), SETTINGS, seed=0)
    with pytest.raises(FitError, match="correct and wrong"):
        Platt.fit(torch.randn(20), correct)


def test_platt_scaling_is_the_maximum_likelihood_fit() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(1, 2, 3000)
    correct = random.random(3000) < 1 / (1 + np.exp(-(0.6 * logits - 0.4)))

    def loss(parameters: np.ndarray) -> float:
        z = parameters[0] * logits + parameters[1]
        return float(np.mean(np.logaddexp(0, -z) * correct + np.logaddexp(0, z) * ~correct))

    best = minimize(loss, [1.0, 0.0]).x
    platt = Platt.fit(torch.from_numpy(logits), torch.from_numpy(correct))
    assert (platt.slope, platt.intercept) == pytest.approx(tuple(best), abs=2e-3)
    assert platt.slope == pytest.approx(0.6, abs=0.1)


def test_platt_by_hand() -> None:
    assert Platt(slope=2.0, intercept=-1.0)(torch.tensor([0.5])).item() == pytest.approx(0.5)


def test_a_net_that_ranks_backwards_is_refused() -> None:
    logits = torch.linspace(-2, 2, 100)
    with pytest.raises(FitError, match="no better than chance"):
        Platt.fit(logits, logits < 0)
