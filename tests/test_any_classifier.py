"""The benchmark of classifiers that nobody shaped for REASON: what it trains, saves, counts and prints."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from benchmarks.any_classifier import forms
from benchmarks.any_classifier.photos import FIT, TEST, TRAIN, Images
from benchmarks.any_classifier.tables import holds, tables
from benchmarks.any_classifier.training import Schedule, accuracy, train
from reason.data.images import Preprocessing

DIGIT = Preprocessing(28, "L", (0.5,), (0.5,))


def split(low: float, high: float) -> dict[str, Any]:
    scores = {"REASON": {"auroc": 0.91, "augrc": 0.02}, "MSP": {"auroc": 0.9, "augrc": 0.025}}
    best = {"name": "energy", "value": 0.905, "difference_95": [[-0.001, 0.01]]}
    return {
        "n": 200,
        "accuracy": 0.85,
        "scores": scores,
        "auroc_difference_95": {"MSP": [low, high]},
        "augrc_difference_95": {"MSP": [-0.007, -0.003]},
        "seeds": {"auroc": {"best": best}},
    }


def outcome(low: float) -> dict[str, Any]:
    return {
        "name": "tiny",
        "images": {TRAIN: 100, FIT: 300, TEST: 200},
        "fit": {"meta": {"n": 105, "errors": 16}},
        "choice": {
            "chosen": "logistic",
            "candidates": [{"name": "logistic", "difference": {"value": 0.012, "low": 0.001, "high": 0.02}}],
        },
        "families": ["scores", "softmax"],
        "seconds": 12.4,
        "cost": {"ms": {"1": {"forward": 2.0, "verdict": 5.0}}},
        "splits": {"clean": split(low, 0.02)},
    }


def test_a_head_passes_where_the_interval_stays_above_the_tolerance() -> None:
    assert holds(split(-0.0029, 0.01))
    assert not holds(split(-0.0031, 0.01))


def test_the_tables_say_what_was_measured() -> None:
    text = tables([outcome(-0.002)])
    assert (
        "| tiny | 100 / 300 / 200 | 0.850 | 16 of 105 | logistic | +0.0120 [+0.0010, +0.0200] | 12 | 2.0 | 2.5 |"
        in text
    )
    assert "| tiny | clean | 200 | 30 | 0.9100 | 0.9000 | -0.0020 to +0.0200 | energy 0.9050 |" in text
    assert "| 20.0 | 25.0 | -7.0 to -3.0 | pass |" in text
    assert "1 of 1 splits pass" in text


def test_a_worse_head_and_a_failure_are_named() -> None:
    text = tables([outcome(-0.02), {"name": "other", "failed": "no head"}])
    assert "MISS: tiny, clean" in text
    assert "- other: no head" in text


def test_own_code_gives_the_same_logits_in_a_process_without_this_package(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = forms.sequential().eval()
    assert forms.own_code("sequential")(network, tmp_path, DIGIT) == "my_classifier:classifier"
    program = (
        "import torch, my_classifier; print(my_classifier.classifier().eval()(torch.ones(1, 1, 28, 28)).sum().item())"
    )
    printed = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True).stdout
    assert float(printed) == pytest.approx(float(network(torch.ones(1, 1, 28, 28)).detach().sum()), abs=1e-5)


def black_and_white() -> tuple[torch.Tensor, torch.Tensor]:
    pixels, labels = torch.zeros(256, 1, 28, 28, dtype=torch.uint8), torch.arange(256) % 2
    pixels[labels == 1] = 255
    return pixels, labels


def test_training_learns() -> None:
    torch.manual_seed(0)
    network, (pixels, labels) = forms.sequential(), black_and_white()
    train(network, pixels, labels, DIGIT, Schedule(5, 1e-2, mirror=False))
    assert accuracy(network, pixels, labels, DIGIT) == 1.0


def test_the_last_layer_alone_is_trained_where_the_features_are_good() -> None:
    torch.manual_seed(0)
    network, (pixels, labels) = forms.sequential(), black_and_white()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    train(network, pixels, labels, DIGIT, Schedule(2, 1e-2, mirror=False, head_alone=True))
    after = network.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"9.weight", "9.bias"}


def test_tables_of_images_hold_so_many_and_name_the_classes_in_order(tmp_path: Path) -> None:
    rows = []
    for number in range(4):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.png")
        rows.append((tmp_path / f"{number}.png", "ab"[number % 2]))
    images = Images(("b", "a"), {TRAIN: (), FIT: tuple(rows), TEST: tuple(rows[:1])})
    files = images.write(tmp_path, {FIT: 3, TEST: None})
    with files[FIT].open(newline="") as text:
        assert [row["label"] for row in csv.DictReader(text)] == ["a", "b", "a"]
    assert (tmp_path / "classes.txt").read_text() == "b\na\n"
    _, labels = images.tensors(FIT, DIGIT, tmp_path / "cache")
    assert labels.tolist() == [1, 0, 1, 0]
