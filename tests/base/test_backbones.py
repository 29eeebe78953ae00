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
    assert list(ARCHITECTURES) == ["resnet50", "resnet50d", "cnn", "torchvision", "timm", "transformers"]
    assert [name for name, item in ARCHITECTURES.items() if item.from_arguments] == list(ARCHITECTURES)[3:]


def test_an_architecture_of_ones_own_is_made_and_tapped_by_name() -> None:
    one = Architecture("perceptron", perceptron, head="head", taps=(Tap("hidden", "2", 8, layout="vectors"),))
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


def test_resnet50_is_torchvisions_to_the_last_bit() -> None:
    from torchvision.models import resnet

    torch.manual_seed(0)
    theirs = resnet.resnet50(weights=None).eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.uniform_(module.running_mean, -0.1, 0.1)  # type: ignore[arg-type]
    ours = make("resnet50", 1000, 0.2).eval()
    state = {name.replace("fc.", "fc.1."): tensor for name, tensor in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    for side in (64, 97):
        images = torch.randn(2, 3, side, side)
        with torch.no_grad():
            assert torch.equal(ours(images), theirs(images))


def test_residual_branches_start_at_zero() -> None:
    for name in ("resnet50", "resnet50d"):
        network = make(name, 3, 0.0)
        norms = [module for path, module in network.named_modules() if path.endswith("bn3")]
        assert len(norms) == 16
        assert all(not norm.weight.any() for norm in norms)


def test_networks_are_made_without_torchvision() -> None:
    """Importing it takes longer than loading a bundle."""
    program = (
        "import sys; from reason.base.backbones import make\n"
        "for name in ('cnn', 'resnet50', 'resnet50d'): make(name, 3, 0.0)\n"
        "print('torchvision' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
