"""Base classifiers by name, and the taps that read their inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from reason.base.backbones.cnn import cnn
from reason.base.backbones.resnet import resnet50, resnet50d
from reason.base.engines import Tapped
from reason.base.taps import Tap

__all__ = ["ARCHITECTURES", "Architecture", "make", "tap"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """How to make a base classifier, and where to tap it."""

    make: Callable[[int, float, int], nn.Module]
    """``make(classes, dropout, channels)`` returns the untrained network."""
    head: str
    """Dotted name of the last ``nn.Linear``; its input is the embedding, its output the logits."""
    taps: tuple[Tap, ...] = ()
    """Further layers that signals may read."""


ARCHITECTURES: dict[str, Architecture] = {
    "resnet50": Architecture(make=resnet50, head="fc.1"),
    "resnet50d": Architecture(make=resnet50d, head="fc.1"),
    "cnn": Architecture(
        make=cnn,
        head="head",
        taps=(Tap("stage1", "stage1.2", 32), Tap("stage2", "stage2.2", 64), Tap("hidden", "hidden", 128, maps=False)),
    ),
}


def make(architecture: str, classes: int, dropout: float, channels: int = 3) -> nn.Module:
    """Make an untrained network.

    Args:
        architecture: a key of ``ARCHITECTURES``.
        classes: number of classes.
        dropout: rate of the dropout before the head, in [0, 1).
        channels: of the input images; the ResNets take 3.
    """
    return ARCHITECTURES[architecture].make(classes, dropout, channels)


def tap(network: nn.Module, architecture: str, dropout: float) -> Tapped:
    """Put the architecture's taps on a network made by ``make``."""
    known = ARCHITECTURES[architecture]
    return Tapped(network, head=known.head, dropout=dropout, taps=known.taps)
