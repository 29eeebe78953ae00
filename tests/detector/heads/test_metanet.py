"""The MetaNet learns what there is to learn, and its calibration is that of an independent fit."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from reason.detector.calibration import Platt
from reason.detector.heads import metanet
from reason.detector.heads.metanet import MetaNet, MetaNetSettings
from reason.errors import FitError, SettingsError
from reason.metrics import auroc
from reason.signals.standardise import CLIP

SETTINGS = MetaNetSettings(hidden=(16,), epochs=20, members=2, batch_size=64)


def ring(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points that are right inside a circle, wrong outside: no linear score can tell."""
    points = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    return points, points.norm(dim=1) < 1.2


def test_learns_what_a_line_cannot() -> None:
    net = metanet.fit(*ring(2000, seed=0), raw=(False, False), settings=SETTINGS, seed=0)
    points, correct = ring(1000, seed=1)
    assert auroc(net(points).numpy(), correct.numpy()) > 0.95


def test_the_same_seed_gives_the_same_net_and_leaves_the_global_one_alone() -> None:
    data = ring(300, seed=0)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    nets = [metanet.fit(*data, raw=(False, False), settings=SETTINGS, seed=seed) for seed in (1, 1, 2)]
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
    blind = metanet.fit(vectors, correct, (False, True), settings, seed=0)
    seeing = metanet.fit(vectors, correct, (False, False), settings, seed=0)
    assert auroc(seeing(vectors).numpy(), correct.numpy()) > 0.99
    assert auroc(blind(vectors).numpy(), correct.numpy()) < 0.8


RAW = (False, True, False, True)
RAW_COLUMNS = [1, 3]


def telling(n: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    """Four columns that each tell something of the outcome."""
    generator = torch.Generator().manual_seed(2)
    correct = torch.rand(n, generator=generator) < 0.5
    return torch.randn(n, 4, generator=generator) + correct[:, None].float(), correct


def mixed(scalar_members: int, members: int = 3) -> MetaNet:
    settings = MetaNetSettings(hidden=(8,), epochs=8, members=members, scalar_members=scalar_members, batch_size=64)
    return metanet.fit(*telling(), RAW, settings, seed=0)


def with_other_raw_columns(vectors: torch.Tensor) -> torch.Tensor:
    changed = vectors.clone()
    changed[:, RAW_COLUMNS] = torch.randn(len(vectors), 2, generator=torch.Generator().manual_seed(9)) * 100
    return changed


def test_the_first_members_see_no_raw_columns_and_the_others_see_them_shrunk() -> None:
    blind, shrunk = [1, 0, 1, 0], [1, 0.1, 1, 0.1]
    assert mixed(0).scale.numpy() == pytest.approx(np.array([shrunk, shrunk, shrunk]))
    assert mixed(1).scale.numpy() == pytest.approx(np.array([blind, shrunk, shrunk]))
    assert mixed(3).scale.numpy() == pytest.approx(np.array([blind, blind, blind]))


def test_raw_columns_change_nothing_that_only_scalar_members_say() -> None:
    vectors, _ = telling()
    changed = with_other_raw_columns(vectors)
    assert torch.equal(mixed(3)(changed), mixed(3)(vectors))
    assert (mixed(1)(changed) - mixed(1)(vectors)).abs().max() > 0.01
    assert (mixed(0)(changed) - mixed(0)(vectors)).abs().max() > 0.01


def test_scalar_columns_change_what_every_member_says() -> None:
    vectors, _ = telling()
    changed = vectors.clone()
    changed[:, 0] -= 1
    for net in (mixed(0), mixed(1), mixed(3)):
        assert ((net(changed) - net(vectors)).abs() > 0).float().mean() > 0.9


def test_a_mixed_net_is_the_mean_of_members_that_see_and_do_not_see() -> None:
    """Worked out from the members one by one, with the columns standardised by hand."""
    net, (vectors, _) = mixed(1), telling()
    standard = ((vectors - vectors.mean(dim=0)) / vectors.std(dim=0)).clamp(-CLIP, CLIP)
    scalars = standard.clone()
    scalars[:, RAW_COLUMNS] = 0
    shrunk = standard.clone()
    shrunk[:, RAW_COLUMNS] *= 0.1
    first, second, third = net.members
    torch.testing.assert_close(net(vectors), (first(scalars) + second(shrunk) + third(shrunk)) / 3)


def test_scalar_members_are_fitted_as_if_there_were_no_raw_columns() -> None:
    """What stands in the raw columns leaves no trace in their weights."""
    vectors, correct = telling()
    settings = MetaNetSettings(hidden=(8,), epochs=8, members=2, scalar_members=1, batch_size=64)
    nets = [
        metanet.fit(columns, correct, RAW, settings, seed=0) for columns in (vectors, with_other_raw_columns(vectors))
    ]
    (blind, seeing), (blind_too, seeing_too) = (net.members for net in nets)
    assert all(torch.equal(*pair) for pair in zip(blind.parameters(), blind_too.parameters(), strict=True))
    assert not all(torch.equal(*pair) for pair in zip(seeing.parameters(), seeing_too.parameters(), strict=True))


def test_scalar_members_cannot_lean_on_a_raw_column_that_tells_all() -> None:
    correct = telling()[1]
    vectors = torch.stack([torch.randn(300, generator=torch.Generator().manual_seed(1)), correct.float()], dim=1)
    settings = MetaNetSettings(hidden=(8,), epochs=20, members=1, raw_scale=1.0, group_dropout=0.0, learning_rate=1e-2)
    for scalar_members, low, high in ((0, 0.99, 1), (1, 0.3, 0.7)):
        chosen = dataclasses.replace(settings, scalar_members=scalar_members)
        net = metanet.fit(vectors, correct, (False, True), chosen, seed=0)
        assert low <= auroc(net(vectors).numpy(), correct.numpy()) <= high


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_alone_is_an_error(outcome: bool) -> None:
    correct = torch.full((20,), outcome)
    with pytest.raises(FitError, match="correct and wrong"):
        metanet.fit(torch.randn(20, 2), correct, (False, False), SETTINGS, seed=0)
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


def test_averaged_odds_are_those_of_failure() -> None:
    """Members that give logits 0 and ln 3 say odds of failure 1 and 1/3, in the mean 2/3; averaged logits say less."""
    vectors = torch.zeros(1, 2)
    expected = {"odds": math.log(3 / 2), "logits": math.log(3) / 2}
    for average, logit in expected.items():
        net = MetaNet(2, hidden=(3,), members=2, average=average)
        for member, bias in zip(net.members, (0.0, math.log(3)), strict=True):
            for parameter in member.parameters():
                torch.nn.init.zeros_(parameter)
            list(member.get_submodule("deep").parameters())[-1].data.fill_(bias)
        assert net(vectors).item() == pytest.approx(logit)


def test_scalar_members_may_have_layers_of_their_own() -> None:
    net = MetaNet(4, hidden=(8, 6), members=3, scalar_members=2, scalar_hidden=(5,))
    widths = [
        [layer.out_features for layer in member.get_submodule("deep").modules() if isinstance(layer, torch.nn.Linear)]
        for member in net.members
    ]
    assert widths == [[5, 1], [5, 1], [8, 6, 1]]
    again = MetaNet(4, **net.shape)
    again.load_state_dict(net.state_dict())
    assert again.shape == net.shape


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": 2, "scalar_members": 3}, "scalar_members must not be negative or exceed members, 2"),
        ({"scalar_members": -1}, "scalar_members must not be negative"),
        ({"members": 0}, "members must be at least 1, not 0"),
        ({"hidden": (16, 0)}, r"hidden must hold widths of at least 1, not \[16, 0\]"),
        ({"scalar_hidden": (-1,)}, "scalar_hidden must hold widths"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), not 1.0"),
        ({"group_dropout": 1.1}, r"group_dropout must be in \[0, 1\]"),
        ({"learning_rate": 0.0}, "learning_rate must be finite and positive"),
        ({"learning_rate": math.nan}, "learning_rate must be finite and positive"),
        ({"raw_scale": -0.1}, "raw_scale must be finite and not negative, not -0.1"),
        ({"weight_decay": math.inf}, "weight_decay must be finite"),
        ({"average": "odd"}, "average must be one of 'logits', 'odds', not 'odd'"),
        ({"schedule": "step"}, "schedule must be one of"),
    ],
)
def test_settings_refuse_what_cannot_be_fitted(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        MetaNetSettings(**changes)
