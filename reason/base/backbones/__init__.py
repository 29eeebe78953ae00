"""Base classifiers by name, and the taps that read their inside."""

from __future__ import annotations

from torch import nn

from reason.base.backbones.architecture import ARCHITECTURES, Architecture
from reason.base.engines import Tapped

__all__ = ["ARCHITECTURES", "Architecture", "make", "tap"]


def make(architecture: str, classes: int, dropout: float, channels: int = 3) -> nn.Module:
    """Make an untrained network.

    Args:
        architecture: name in ``ARCHITECTURES``.
        classes: number of classes.
        dropout: rate of the dropout before the head, in [0, 1).
        channels: of the input images; the ResNets take 3.

    Raises:
        ReasonError: there is no architecture of this name.
        ValueError: it does not take images of so many channels.
    """
    return ARCHITECTURES[architecture].make(classes, dropout, channels)


def tap(network: nn.Module, architecture: str, dropout: float) -> Tapped:
    """Put the architecture's taps on a network made by ``make``."""
    known = ARCHITECTURES[architecture]
    return Tapped(network, head=known.head, dropout=dropout, taps=known.taps)


ARCHITECTURES.load()
