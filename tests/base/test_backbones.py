"""Architectures by name, ours and those of others."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from reason.base.backbones import ARCHITECTURES, Architecture, make, tap
from reason.base.taps import Tap
from reason.errors import ReasonError


def perceptron(classes: int, dropout: float, channels: int) -> nn.Module:
    network = nn.Sequential(nn.Flatten(), nn.Linear(channels * 16, 8), nn.ReLU(), nn.Dropout(dropout))
    network.add_module("head", nn.Linear(8, classes))
    return network


def test_there_are_these() -> None:
    assert list(ARCHITECTURES) == ["resnet50", "resnet50d", "cnn"]


def test_an_architecture_of_ones_own_is_made_and_tapped_by_name() -> None:
    one = Architecture("perceptron", perceptron, head="head", taps=(Tap("hidden", "2", 8, maps=False),))
    with ARCHITECTURES.temporarily(one):
        base = tap(make("perceptron", 3, 0.1, channels=1), "perceptron", 0.1).freeze()
    evidence = base.extract(torch.ones(2, 1, 4, 4), gradient=False)
    assert evidence.logits.shape == (2, 3)
    assert evidence.activations["hidden"].shape == (2, 8)


def test_an_unknown_architecture_is_one_sentence() -> None:
    with pytest.raises(ReasonError, match=r"^resnet50e: there is no such architecture; did you mean resnet50d?"):
        make("resnet50e", 3, 0.0)


def test_a_resnet_takes_colour_images_only() -> None:
    with pytest.raises(ValueError, match="3 channels, not 1"):
        make("resnet50", 3, 0.0, channels=1)


def test_torchvision_is_imported_for_a_resnet_only() -> None:
    program = (
        "import sys; from reason.base.backbones import make; make('cnn', 3, 0.0); print('torchvision' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
