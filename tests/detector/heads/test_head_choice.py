"""The choice of a head on made-up images whose truth is known: it must hold on images that nobody chose by."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from made_up_heads import CORRUPTIONS, SIGNALS, Columns, Made, World, make

from reason.detector.heads import Score, ranking
from reason.detector.heads.choice import ChoiceSettings, HeadChoice, choose_head
from reason.detector.heads.folds import MetaRows, matched
from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.heads.ranking import estimate
from reason.detector.heads.record import ChoiceRecord
from reason.errors import SettingsError
from reason.metrics import auroc
from reason.signals import SignalSet
from reason.structure import build, plain

SETTINGS = ChoiceSettings(metanet=MetaNetSettings(hidden=(16,), members=2, epochs=15, learning_rate=1e-2), folds=3)
TOLERANCE = -0.003
SEEDS = 20


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "DRAWS", 200)


def choose(made: Made, settings: ChoiceSettings = SETTINGS, seed: int = 0) -> HeadChoice:
    return choose_head(made.vectors, made.correct, made.sources, made.corruptions, SIGNALS, settings, seed)


def gain(choice: HeadChoice, fresh: Made) -> tuple[float, float]:
    """Return AUROC minus that of the log-odds on fresh images: clean, and the mean over the corruptions."""
    parts = [fresh.part(name) for name in ("clean", *CORRUPTIONS)]
    gains = [
        auroc(choice.head(vectors).double().numpy(), correct) - auroc(vectors[:, 0].double().numpy(), correct)
        for vectors, correct in parts
    ]
    return gains[0], float(np.mean(gains[1:]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "world", [World(7.5), World(6.5), World(6.5, telling=0.3)], ids=["few errors", "some errors", "a weak column"]
)
def test_what_was_chosen_is_not_worse_than_msp_on_fresh_images(world: World) -> None:
    fresh = make(world, 20_000, seed=10**6)
    worst = [min(gain(choose(make(world, 700, seed), seed=seed), fresh)) for seed in range(SEEDS)]
    assert np.mean(np.array(worst) > TOLERANCE) >= 0.95


def test_with_few_errors_only_scores_stand_and_the_record_says_so() -> None:
    made = make(World(8.0), 700, seed=1)
    record = choose(made).record
    errors = int((~made.part("clean")[1]).sum())
    assert 0 < errors < 10
    assert (record.chosen, record.errors, record.images) == ("MSP", errors, 700)
    assert {candidate.kind for candidate in record.candidates} == {"score"}
    assert record.why.startswith(
        f"of 700 predictions {errors} are wrong, and learned heads need 10, so only scores of the "
    )


def test_columns_of_pure_noise_leave_msp() -> None:
    chosen = [choose(make(World(5.0), 700, seed), seed=seed).record.chosen for seed in range(6)]
    assert chosen == ["MSP"] * 6


def test_a_telling_column_is_taken_in_and_helps_on_fresh_images() -> None:
    world = World(5.5, telling=1.2)
    fresh = make(world, 20_000, seed=10**6)
    for seed in range(3):
        choice = choose(make(world, 700, seed), seed=seed)
        assert choice.head.kind in ("logistic", "metanet")
        assert min(gain(choice, fresh)) > 0.01
        assert choice.record.why.startswith(f"{choice.record.chosen} beats MSP by 0.0")


def test_with_few_errors_what_is_unusual_helps_under_shift_and_leaves_clean_images_alone() -> None:
    world = World(6.0, strange=2.0)
    fresh = make(world, 20_000, seed=10**6)
    gains, kinds = [], []
    for seed in range(4):
        choice = choose(make(world, 1200, seed), seed=seed)
        gains.append(gain(choice, fresh))
        kinds.append(choice.head.kind)
        assert 10 <= choice.record.errors < 45
    assert kinds.count("logistic") >= 3
    assert min(clean for clean, _ in gains) > TOLERANCE
    assert np.mean([shifted for _, shifted in gains]) > 0.02


def test_what_no_line_can_tell_takes_a_metanet() -> None:
    world = World(3.5, bent=2.0)
    choice = choose(make(world, 2500, seed=0))
    assert choice.head.kind == choice.record.chosen.lower() == "metanet"
    assert min(gain(choice, make(world, 20_000, seed=10**6))) > 0.01


def test_a_better_score_of_the_literature_is_taken() -> None:
    """Here the log-odds are the rough ones and the others the true ones."""
    made = make(World(3.5), 2000, seed=0)
    swapped = made.vectors.clone()
    swapped[:, [0, 1]] = made.vectors[:, [1, 0]]
    choice = choose(dataclasses.replace(made, vectors=swapped), dataclasses.replace(SETTINGS, kind="score"))
    assert choice.record.chosen == "rough_log_odds"
    assert choice.head.shape == {"column": "rough_log_odds", "direction": "trust"}


def test_a_score_that_leads_by_its_copies_and_may_lose_on_clean_images_is_named_with_the_reason() -> None:
    made = make(World(3.5), 1200, seed=0)
    vectors = made.vectors.clone()
    copies = torch.tensor([name != "clean" for name in made.corruptions])
    noise = torch.randn(len(vectors), generator=torch.Generator().manual_seed(0))
    vectors[:, 1] = torch.where(copies, made.correct.float(), vectors[:, 0] + noise)  # knows copies, blurs clean images
    record = choose(dataclasses.replace(made, vectors=vectors), dataclasses.replace(SETTINGS, kind="score")).record
    rough = next(one for one in record.candidates if one.name == "rough_log_odds")
    assert (record.chosen, rough.eligible) == ("MSP", False)
    assert rough.difference is not None
    assert rough.difference.low > 0
    assert record.why.startswith(
        "no candidate is better than MSP by more than noise on all data; rough_log_odds leads it"
    )
    assert record.why.endswith("but may be worse than it by more than 0.003 on clean data.")


def test_without_corrupted_copies_learned_heads_stand_only_where_they_may() -> None:
    made = make(World(4.0, telling=1.2), 1500, seed=0, copies=0)
    record = choose(made).record
    assert {candidate.kind for candidate in record.candidates} == {"score"}
    assert record.why.startswith(
        "too few corrupted copies are wrong, or right, to tell how learned heads do under shift"
    )
    assert choose(made, dataclasses.replace(SETTINGS, shifted=False)).head.kind in ("logistic", "metanet")


@pytest.mark.parametrize("wrong", [0, 1, 4])
def test_almost_no_error_or_almost_nothing_right_leaves_msp_without_figures(wrong: int) -> None:
    made = make(World(4.0), 60, seed=0, copies=0)
    correct = torch.arange(60) >= wrong
    for outcomes in (correct, ~correct):
        choice = choose(dataclasses.replace(made, correct=outcomes))
        assert isinstance(choice.head, Score)
        assert choice.record.chosen == "MSP"
        assert choice.record.candidates[0].clean is None
        assert build(ChoiceRecord, plain(choice.record)) == choice.record


@pytest.mark.parametrize("kind", ["score", "logistic", "metanet"])
def test_a_kind_that_is_asked_for_is_given(kind: str) -> None:
    made = make(World(5.0), 400, seed=0)
    settings = build(ChoiceSettings, {"kind": kind, "folds": 3, "metanet": plain(SETTINGS.metanet)})
    choice = choose(made, settings)
    assert choice.head.kind == kind
    assert {candidate.kind for candidate in choice.record.candidates} == {"score", kind}


def test_the_same_seed_gives_the_same_choice_and_the_record_is_plain_json() -> None:
    made = make(World(5.0, telling=1.0), 400, seed=0)
    one, other = choose(made), choose(made)
    assert one.record == other.record
    assert torch.equal(one.head(made.vectors), other.head(made.vectors))
    assert build(ChoiceRecord, plain(one.record)) == one.record


def test_figures_are_those_of_other_functions() -> None:
    made = make(World(5.0), 500, seed=2)
    record = choose(made).record
    msp, rough = record.candidates[:2]
    assert (msp.name, rough.name) == ("MSP", "rough_log_odds")
    assert msp.clean is not None
    assert rough.clean is not None
    assert rough.shifted is not None
    vectors, correct = made.part("clean")
    assert rough.clean.auroc.value == pytest.approx(auroc(vectors[:, 1].numpy(), correct))
    copies = [made.part(name) for name in CORRUPTIONS]
    scores, outcomes = np.concatenate([part[0][:, 1] for part in copies]), np.concatenate([part[1] for part in copies])
    assert rough.shifted.auroc.value == pytest.approx(auroc(scores, outcomes))
    assert msp.clean.difference.value == msp.clean.difference.low == 0
    assert rough.difference is not None
    parts = (rough.clean.difference.value, rough.shifted.difference.value)
    assert rough.difference.value == pytest.approx(np.mean(parts))
    assert rough.difference.low < rough.difference.value < rough.difference.high


def test_signals_without_log_odds_are_refused() -> None:
    made = make(World(5.0), 60, seed=0)
    bare = SignalSet([Columns((("entropy", "doubt"),))])
    with pytest.raises(SettingsError, match=r"^families must name scores, which every choice of a head starts from"):
        choose_head(made.vectors[:, :1], made.correct, made.sources, (), bare, SETTINGS, 0)


def test_copies_are_held_out_together_and_errors_are_dealt_out() -> None:
    made = make(World(6.0), 300, seed=0)
    rows = MetaRows.of(made.vectors, made.correct, made.sources, made.corruptions)
    cut = rows.cut(5, seed=0)
    assert np.stack(cut).sum(axis=0).tolist() == [1] * 900
    for held in cut:
        assert not set(rows.image[held]) & set(rows.image[~held])
    wrong = [rows.errors(np.intersect1d(rows.clean, np.flatnonzero(held))) for held in cut]
    assert max(wrong) - min(wrong) <= 1


def test_only_the_first_clean_row_of_an_image_is_ranked_and_all_corruptions_go_together() -> None:
    correct = torch.tensor([True, False, True, False, True, False])
    rows = MetaRows.of(
        torch.zeros(6, 1), correct, ("a", "a", "b", "b", "a", "b"), ("clean", "clean", "x", "x", "y", "y")
    )
    assert rows.clean.tolist() == [0]
    assert {name: found.tolist() for name, found in rows.corrupted.items()} == {"x": [2, 3], "y": [4, 5]}
    assert rows.shifted.tolist() == [2, 3, 4, 5]
    assert rows.tells(rows.shifted, 1)  # one image has wrong copies
    assert not rows.tells(rows.shifted, 2)


def test_a_model_that_ranks_as_the_ruler_becomes_the_ruler() -> None:
    random = np.random.default_rng(0)
    ruler = random.normal(size=200) * 3
    known = np.exp(ruler / 4)
    assert matched(known, known, ruler) == pytest.approx(ruler)
    between = matched(np.exp(np.array([0.0, 1.0]) / 4), known, ruler)
    assert between == pytest.approx([0, 1], abs=0.1)
    beyond = matched(np.array([-5.0, -4.0, 900.0, 901.0]), known, ruler)
    assert (np.diff(beyond) > 0).all()
    assert matched(np.array([1.0, 2.0]), np.array([1.0, 1.0, 2.0]), np.array([3.0, 7.0, 5.0])) == pytest.approx([4, 7])


def test_an_interval_widens_with_few_images_and_many_looks() -> None:
    draws = np.random.default_rng(0).normal(0.5, 0.01, 4000)
    many = estimate(0.5, draws, 10_000)
    assert (many.low, many.high) == pytest.approx((0.5 - 0.0196, 0.5 + 0.0196), abs=5e-4)
    few = estimate(0.5, draws, 5)
    assert few.high - 0.5 == pytest.approx(0.01 * math.sqrt(5 / 4) * 2.776, rel=0.03)  # t of 4 degrees of freedom
    looked = estimate(0.5, draws, 10_000, looks=20)
    assert looked.high - 0.5 == pytest.approx(0.01 * 3.0233, rel=0.03)  # the normal quantile of 1 - 0.025 / 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tolerance": 1.0}, r"^tolerance must be in \[0, 1\), not 1\.0"),
        ({"fewest_errors": 1}, "^fewest_errors must be at least 2, not 1"),
        ({"folds": 1}, "^folds must be at least 2, not 1"),
        ({"kind": "oracle"}, "^kind must be one of"),
    ],
)
def test_settings_refuse_what_no_rule_is(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ChoiceSettings(**changes)  # type: ignore[arg-type]


def test_the_interval_of_an_auroc_stays_within_what_an_auroc_can_be() -> None:
    record = choose(make(World(8.0), 700, seed=1)).record
    intervals = [part.auroc for one in record.candidates for part in (one.clean, one.shifted) if part]
    assert intervals
    assert all(0 <= found.low <= found.value <= found.high <= 1 for found in intervals)
    assert any(found.high == 1 for found in intervals)
