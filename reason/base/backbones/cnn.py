"""The small convolutional network of the MNIST system."""

from __future__ import annotations

from torch import nn

from reason.base.backbones.architecture import ARCHITECTURES, Architecture
from reason.base.taps import Tap


def cnn(classes: int, dropout: float, channels: int) -> nn.Sequential:
    """Return two stages of convolution, batch norm, ReLU and max-pooling, 128 hidden units and the head ``head``.

    The second stage is averaged to 7 x 7, which changes nothing for images of 28 x 28.
    """
    network = nn.Sequential()
    for name, inputs, outputs in (("stage1", channels, 32), ("stage2", 32, 64)):
        stage = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        network.add_module(name, stage)
    network.add_module("pool", nn.AdaptiveAvgPool2d(7))
    network.add_module("hidden", nn.Sequential(nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(inplace=True)))
    network.add_module("dropout", nn.Dropout(dropout))
    network.add_module("head", nn.Linear(128, classes))
    return network


ARCHITECTURES.register(
    Architecture(
        "cnn",
        cnn,
        head="head",
        taps=(
            Tap("stage1", "stage1.2", 32),
            Tap("stage2", "stage2.2", 64),
            Tap("hidden", "hidden", 128, layout="vectors"),
        ),
    )
)
