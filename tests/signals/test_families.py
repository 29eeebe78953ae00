"""Every registered family against its own declaration: how many columns, in which units, and which way they point."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.base.taps import Tap
from reason.base.views import VIEWS
from reason.errors import SettingsError
from reason.metrics import auroc
from reason.signals import FAMILIES, UNITS, Column, SignalFamily, SignalSet, SignalSettings
from reason.signals.texts import from_bytes

TELLING = 0.15
"""How far the AUROC of a column must be from 0.5, on the side that its direction declares."""

CLASSES, FEATURES, IMAGES = 4, 32, 240
TAPS = (Tap("early", "0", FEATURES), Tap("late", "1", FEATURES, layout="vectors"))
MEANS = torch.linalg.qr(torch.randn(FEATURES, FEATURES, generator=torch.Generator().manual_seed(4))).Q[:CLASSES]
"""Means of the classes: of unit length, at right angles, and spread over all features."""
WEIGHT = 8 * MEANS
HEAD = Head.linear(WEIGHT, torch.zeros(CLASSES), 0.1)
SETTINGS = SignalSettings(
    families=tuple(FAMILIES), pca_components=8, pca_columns=5, neighbours=5, poolings=("mean", "max", "std")
)


def look(embedding: torch.Tensor) -> Evidence:
    return Evidence(embedding @ WEIGHT.T, embedding)


def made(seed: int, failing: float) -> Labelled:
    """Images around the means of their classes; the failing ones drift towards another class and off all directions.

    Their views, their early layer and their input gradient are disturbed as well.
    """
    random = torch.Generator().manual_seed(seed)

    def noise(scale: torch.Tensor) -> torch.Tensor:
        return torch.randn(IMAGES, FEATURES, generator=random) * scale

    labels = torch.arange(IMAGES) % CLASSES
    fails = (torch.rand(IMAGES, 1, generator=random) < failing).float()
    means, others = MEANS[labels], MEANS[(labels + 1) % CLASSES]
    drift = 0.55 + 0.1 * torch.randn(IMAGES, 1, generator=random)
    place = torch.lerp(means, others, fails * drift)
    scale = 0.05 + 0.1 * fails
    early = place + noise(scale)
    evidence = dataclasses.replace(
        look(place + noise(scale)),
        gradient_norm=1 + fails[:, 0] + torch.rand(IMAGES, generator=random),
        activations={key: early for tap in TAPS for key in tap.keys(SETTINGS.poolings)},
        views={name: look(torch.lerp(place, means.roll(2, 0), fails * 0.3) + noise(scale)) for name in VIEWS},
    )
    return Labelled(evidence, labels=labels, sources=tuple(f"{seed}/{row}" for row in range(IMAGES)))


@pytest.fixture(scope="module")
def judged() -> Labelled:
    """Images of which the half is likely to be judged wrongly."""
    return made(1, failing=0.5)


@pytest.fixture(scope="module")
def signals() -> SignalSet:
    """All registered families, fitted."""
    return SignalSet.fit(SETTINGS, HEAD, TAPS, made(0, failing=0.3))


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request: pytest.FixtureRequest, signals: SignalSet) -> SignalFamily:
    return signals[request.param]


def test_columns_are_as_many_as_declared_finite_and_alike_for_one_image(family: SignalFamily, judged: Labelled) -> None:
    evidence = judged.evidence
    found = family.compute(evidence)
    assert found.shape == (len(evidence), len(family.columns))
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()
    torch.testing.assert_close(family.compute(evidence[slice(4, 5)]), found[4:5], rtol=1e-3, atol=1e-3)
    columns, _ = family.explain(evidence)
    assert torch.equal(columns, found)


def test_each_column_says_what_it_is_in_a_unit_that_its_values_have(family: SignalFamily, judged: Labelled) -> None:
    found = family.compute(judged.evidence)
    for column, values in zip(family.columns, found.T, strict=True):
        assert column.name.replace("_", "").isalnum(), column
        assert column.name == column.name.lower()
        assert column.label
        assert column.label != column.name
        assert column.help.endswith("."), column
        assert column.unit in UNITS, column
        if column.unit == "share":
            assert values.min() >= 0, column
            assert values.max() <= 1 + 1e-3, column
        elif column.unit in {"nats", "pixels", "logits/pixel"}:
            assert values.min() >= 0, column


def test_each_column_points_the_way_it_declares(family: SignalFamily, judged: Labelled) -> None:
    """Trust is larger where the prediction is right, and doubt where it is wrong."""
    correct = judged.correct.numpy()
    assert 0.3 < correct.mean() < 0.8
    for column, values in zip(family.columns, family.compute(judged.evidence).double().T, strict=True):
        if column.direction != "none":
            trust = values if column.direction == "trust" else -values
            assert auroc(trust.numpy(), correct) > 0.5 + TELLING, column.name


def test_raw_features_have_no_direction_and_are_no_diagnostics(signals: SignalSet) -> None:
    raw = [family for family in signals.families if family.raw]
    assert {family.name for family in raw} == {"embedding", "activations"}
    assert {column.direction for family in raw for column in family.columns} == {"none"}
    assert not {name for family in raw for name in family.names} & set(signals.diagnostics)
    assert np.array(signals.names)[np.array(signals.raw)].tolist() == [name for one in raw for name in one.names]


def test_no_two_columns_share_a_name(signals: SignalSet) -> None:
    """Diagnostics and tables are kept by name, so that one of two would be lost."""
    assert len(set(signals.names)) == len(signals.names)
    with pytest.raises(SettingsError, match="2 columns called max_probability"):
        SignalSet([signals["softmax"], signals["softmax"]])


def test_what_is_shared_is_fitted_and_stored_once(signals: SignalSet) -> None:
    assert set(signals.state()) == {"penultimate_pca", "knn_bank", "layer_statistics"}
    kinds = [type(part) for part in signals.parts]
    assert len(kinds) == len(set(kinds)) == 2
    few = SignalSettings(families=("softmax", "gradient"))
    assert SignalSet.from_state(few, HEAD, TAPS, {}).state() == {}


NUMBERS = {torch.float32: "F32", torch.float16: "F16", torch.int64: "I64", torch.uint8: "U8"}


def test_what_is_stored_is_laid_out_as_it_was_declared(signals: SignalSet) -> None:
    kinds, states = SETTINGS.stored(), signals.state()
    assert set(kinds) == set(states)
    for stem, state in states.items():
        kinds[stem].check(state, SETTINGS, CLASSES)
        layout = kinds[stem].layout(TAPS)
        assert layout is not None
        assert set(layout) == set(state)
        sizes: dict[str | int, int] = {"features": FEATURES, "classes": CLASSES}
        for key, (numbers, *dimensions) in layout.items():
            assert NUMBERS[state[key].dtype] == numbers, key
            for dimension, size in zip(dimensions, state[key].shape, strict=True):
                expected = dimension if isinstance(dimension, int) else sizes.setdefault(dimension, size)
                assert size == expected, (key, dimension)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_family_alone_stores_what_it_says(name: str) -> None:
    settings = dataclasses.replace(SETTINGS, families=(name,))
    assert set(SignalSet.fit(settings, HEAD, TAPS, made(0, failing=0.3)).state()) == set(settings.stored())


def test_a_state_comes_back_as_it_was(signals: SignalSet, judged: Labelled) -> None:
    state = signals.state()
    again = SignalSet.from_state(SETTINGS, HEAD, TAPS, state)
    assert again.names == signals.names
    assert torch.equal(again.compute(judged.evidence), signals.compute(judged.evidence))
    for stem in tuple(state):
        with pytest.raises(KeyError, match=stem):
            SignalSet.from_state(SETTINGS, HEAD, TAPS, {key: part for key, part in state.items() if key != stem})


def test_the_bank_is_a_random_choice_of_a_larger_base_train(signals: SignalSet) -> None:
    settings = dataclasses.replace(SETTINGS, families=("neighbours",), bank_images=20, seed=3)
    small = SignalSet.fit(settings, HEAD, TAPS, made(0, failing=0.3)).state()
    rows = torch.randperm(IMAGES, generator=torch.Generator().manual_seed(3))[:20].sort().values
    assert from_bytes(small["knn_bank"]["sources"]) == tuple(f"0/{row}" for row in rows.tolist())


def test_what_families_read_is_known_before_and_after_the_fit(signals: SignalSet) -> None:
    settings = SignalSettings(families=tuple(FAMILIES))
    assert settings.requires == signals.requires == {"gradient", "views", "taps", "head", "bank"}
    assert SignalSettings(families=("softmax", "logits")).requires == frozenset()
    assert SignalSettings(families=("dropout",)).requires == {"head"}
    assert SignalSettings(families=("views",)).requires == {"views"}


def test_descriptions_cover_every_column_in_order(signals: SignalSet) -> None:
    described = signals.descriptors()
    assert [family["name"] for family in described] == list(FAMILIES)
    assert tuple(column["name"] for family in described for column in family["columns"]) == signals.names
    for family in described:
        assert family["title"]
        assert family["help"].endswith(".")
        assert set(family["columns"][0]) == {field.name for field in dataclasses.fields(Column)}
