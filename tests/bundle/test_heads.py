"""Bundles whose head is no MetaNet: stored, read, and refused where they were forged; and cards of before."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import reason
from reason.bundle.folders import CARD, META
from reason.detector.detector import Detector
from reason.detector.heads import Logistic, ReliabilityHead, Score
from reason.errors import BundleError

from .forging import Table, edit_arrays, edit_card


def of_kind(detector: Detector, kind: str) -> ReliabilityHead:
    names = detector.signals.names
    vectors = torch.randn(60, len(names), generator=torch.Generator().manual_seed(0))
    correct = vectors[:, names.index("logit_gap")] > -1
    if kind == "score":
        return Score.fit(vectors, correct, names, "entropy", "doubt")
    return Logistic.fit(vectors, correct, detector.signals.raw, names, anchor="logit_gap", penalty=3.0)


@pytest.fixture(params=["score", "logistic"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def simple(detector: Detector, kind: str, tmp_path: Path) -> tuple[Detector, Path]:
    """A detector with another head, and the bundle of it."""
    made = dataclasses.replace(detector, head=of_kind(detector, kind))
    reason.save(made, tmp_path / "tiny")
    return made, tmp_path / "tiny"


def refused(folder: Path, file: str, fault: str) -> None:
    with pytest.raises(BundleError) as caught:
        reason.load(folder)
    assert str(caught.value).startswith(f"{folder / file}: ")
    assert fault in str(caught.value)


def test_it_judges_alike_after_loading(simple: tuple[Detector, Path], kind: str, shape_image: Image.Image) -> None:
    made, folder = simple
    again = reason.load(folder, engine="torch")
    assert again.head.kind == kind
    assert again.head.shape == made.head.shape
    one, other = made.predict([shape_image])[0], again.predict([shape_image])[0]
    assert one.reliability == other.reliability
    assert one.meta_vector == other.meta_vector


def test_columns_and_arrays_are_checked_before_anything_is_read(simple: tuple[Detector, Path], kind: str) -> None:
    folder = simple[1]
    key = "column" if kind == "score" else "anchor"
    edit_card(folder, lambda card: card["head"].update({key: "typicality"}))
    refused(folder, CARD, "head: reads the column 'typicality', which meta_names lacks")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda arrays: arrays["deviation"].zero_(), "deviation holds a number that is not above 0"),
        (lambda arrays: arrays["mean"].fill_(torch.nan), "mean holds numbers that are not finite"),
        (lambda arrays: arrays.update(mean=torch.zeros(10_000)), "does not fit the card's head and meta_names (mean"),
        (lambda arrays: arrays.update(more=torch.zeros(1)), "does not fit the card's head and meta_names (more"),
    ],
)
def test_forged_arrays(simple: tuple[Detector, Path], change: Callable[[Table], Any], fault: str) -> None:
    edit_arrays(simple[1], META, change)
    refused(simple[1], META, fault)


@pytest.mark.parametrize("kind", ["score"], indirect=True)
def test_a_score_turned_round(simple: tuple[Detector, Path], detector: Detector, tmp_path: Path) -> None:
    edit_card(simple[1], lambda card: card["head"].update(direction="trust"))
    refused(simple[1], CARD, "head.direction is not that of the column entropy")
    turned = Score("entropy", "trust", detector.signals.names).frozen()
    with pytest.raises(BundleError, match=r"head\.direction is not that of the column entropy"):
        reason.save(dataclasses.replace(detector, head=turned), tmp_path / "turned")


@pytest.mark.parametrize("kind", ["logistic"], indirect=True)
@pytest.mark.parametrize("value", [torch.inf, torch.nan, 1e30])
def test_a_weight_that_is_not_finite(simple: tuple[Detector, Path], value: float) -> None:
    edit_arrays(simple[1], META, lambda arrays: arrays["weight"].fill_(value))
    refused(simple[1], META, "weight holds numbers that are not finite")


@pytest.mark.parametrize("kind", ["logistic"], indirect=True)
def test_a_range_turned_round(simple: tuple[Detector, Path]) -> None:
    edit_arrays(simple[1], META, lambda arrays: arrays["low"].fill_(6.0))
    refused(simple[1], META, "low holds a number above that of high")


def to_former(card: Table) -> None:
    head = card.pop("head")
    assert head.pop("kind") == "metanet"
    card["metanet"] = head


def test_a_card_of_before_says_metanet(
    detector: Detector, bundle_folder: Path, tmp_path: Path, shape_image: Image.Image
) -> None:
    reason.save(detector, tmp_path / "tiny")
    edit_card(tmp_path / "tiny", to_former)
    former = reason.load(tmp_path / "tiny", engine="torch")
    assert former.digest == json.loads((tmp_path / "tiny" / CARD).read_text())["digest"]
    now = reason.load(bundle_folder, engine="torch").predict([shape_image])[0]
    assert dataclasses.replace(former.predict([shape_image])[0], digest=now.digest) == now


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda card: card.update(metanet={}), "metanet: extra inputs are not permitted"),
        (lambda card: card.update(metanet=card.pop("head")), "head: field required"),
        (lambda card: card.pop("head"), "head: field required"),
        (lambda card: card["head"].update(kind="oracle"), "head: "),
        (lambda card: card["head"].update(column="entropy"), "head.metanet.column: extra inputs are not permitted"),
    ],
)
def test_a_head_that_is_none(detector: Detector, tmp_path: Path, change: Callable[[Table], Any], fault: str) -> None:
    reason.save(detector, tmp_path / "tiny")
    edit_card(tmp_path / "tiny", change)
    refused(tmp_path / "tiny", CARD, fault)
