"""ResNet50, as torchvision builds it and in the D variant, with dropout before the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from reason.base.backbones.architecture import ARCHITECTURES, Architecture

if TYPE_CHECKING:
    from torchvision.models import resnet


def resnet50(classes: int, dropout: float, channels: int = 3) -> resnet.ResNet:
    """Return torchvision's ResNet50 (He et al. 2016), residual branches starting at zero, head ``fc.1``."""
    network = _plain(channels)
    return _with_head(network, classes, dropout)


def resnet50d(classes: int, dropout: float, channels: int = 3) -> resnet.ResNet:
    """Return ResNet-50-D: a stem of three 3x3 convolutions, and shortcuts that average before they project.

    He et al. 2019, "Bag of Tricks for Image Classification with Convolutional Neural Networks". Trained from
    scratch on few images it is more accurate than the plain network at about a tenth more compute.
    """
    network = _plain(channels)
    network.conv1 = _deep_stem()
    for stage in (network.layer2, network.layer3, network.layer4):
        stage[0].downsample = _averaging_shortcut(stage[0].downsample)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return _with_head(network, classes, dropout)


def _plain(channels: int) -> resnet.ResNet:
    if channels != 3:
        raise ValueError(f"a ResNet takes colour images of 3 channels, not {channels}.")
    from torchvision.models import resnet  # imported here: whoever needs no ResNet need not wait for it

    return resnet.resnet50(weights=None, zero_init_residual=True)


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


def _averaging_shortcut(strided: nn.Sequential) -> nn.Sequential:
    convolution = strided[0]
    assert isinstance(convolution, nn.Conv2d)
    return nn.Sequential(
        nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False),
        nn.Conv2d(convolution.in_channels, convolution.out_channels, 1, bias=False),
        nn.BatchNorm2d(convolution.out_channels),
    )


def _with_head(network: resnet.ResNet, classes: int, dropout: float) -> resnet.ResNet:
    network.fc = nn.Sequential(nn.Dropout(dropout), nn.Linear(network.fc.in_features, classes))
    return network


ARCHITECTURES.register(Architecture("resnet50", resnet50, head="fc.1"))
ARCHITECTURES.register(Architecture("resnet50d", resnet50d, head="fc.1"))
