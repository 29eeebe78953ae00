"""ResNet50 and its D variant, with dropout before the head.

The plain network is torchvision's, name by name and to the last bit, so that its ImageNet weights fit. It is written
out here because importing torchvision takes longer than loading a bundle and judging a picture.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from reason.base.backbones.architecture import ARCHITECTURES, Architecture

BLOCKS = (3, 4, 6, 3)
"""Blocks of each stage."""

EXPANSION = 4
"""A block puts out this many times the channels that its 3x3 convolution has."""

Shortcut = Callable[[int, int, int], nn.Module]
"""``shortcut(inputs, outputs, stride)`` returns what leads around a block whose output differs in shape."""


class Bottleneck(nn.Module):
    """Three convolutions, 1x1, 3x3 and 1x1, and a way around them; the 3x3 one takes the stride."""

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * EXPANSION, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * EXPANSION)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps ``[n, 4 width, h / stride, w / stride]`` of maps ``[n, inputs, h, w]``."""
        branch = self.relu(self.bn1(self.conv1(maps)))
        branch = self.relu(self.bn2(self.conv2(branch)))
        branch = self.bn3(self.conv3(branch))
        branch += maps if self.downsample is None else self.downsample(maps)
        joined: torch.Tensor = self.relu(branch)
        return joined


class ResNet(nn.Module):
    """ResNet50 (He et al. 2016, "Deep Residual Learning for Image Recognition"), residual branches starting at zero.

    Args:
        classes: number of classes.
        dropout: rate of the dropout before the head ``fc.1``, in [0, 1).
        stem: what the first batch norm follows, of 64 channels and half the sides.
        shortcut: makes what leads around the first block of a stage.
    """

    def __init__(self, classes: int, dropout: float, stem: nn.Module, shortcut: Shortcut) -> None:
        super().__init__()
        self.conv1 = stem
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(64, 64, BLOCKS[0], 1, _projecting_shortcut)
        self.layer2 = _stage(256, 128, BLOCKS[1], 2, shortcut)
        self.layer3 = _stage(512, 256, BLOCKS[2], 2, shortcut)
        self.layer4 = _stage(1024, 512, BLOCKS[3], 2, shortcut)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(nn.Dropout(dropout), nn.Linear(512 * EXPANSION, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Bottleneck):
                nn.init.zeros_(module.bn3.weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits ``[n, classes]`` of standardised images ``[n, 3, h, w]``."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        logits: torch.Tensor = self.fc(self.avgpool(maps).flatten(1))
        return logits


def resnet50(classes: int, dropout: float, channels: int = 3) -> ResNet:
    """Return torchvision's ResNet50, head ``fc.1``."""
    _check(channels)
    return ResNet(classes, dropout, nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), _projecting_shortcut)


def resnet50d(classes: int, dropout: float, channels: int = 3) -> ResNet:
    """Return ResNet-50-D: a stem of three 3x3 convolutions, and shortcuts that average before they project.

    He et al. 2019, "Bag of Tricks for Image Classification with Convolutional Neural Networks". Trained from
    scratch on few images it is more accurate than the plain network at about a tenth more compute.
    """
    _check(channels)
    return ResNet(classes, dropout, _deep_stem(), _averaging_shortcut)


def _check(channels: int) -> None:
    if channels != 3:
        raise ValueError(f"a ResNet takes colour images of 3 channels, not {channels}.")


def _stage(inputs: int, width: int, blocks: int, stride: int, shortcut: Shortcut) -> nn.Sequential:
    outputs = width * EXPANSION
    first = Bottleneck(inputs, width, stride, shortcut(inputs, outputs, stride))
    return nn.Sequential(first, *(Bottleneck(outputs, width, 1, None) for _ in range(1, blocks)))


def _projecting_shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


def _averaging_shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
    )


def _deep_stem() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
    )


ARCHITECTURES.register(Architecture("resnet50", resnet50, head="fc.1"))
ARCHITECTURES.register(Architecture("resnet50d", resnet50d, head="fc.1"))
