"""Base classifiers by name, and the taps that read their inside."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from torch import nn

from reason.base.backbones.architecture import ARCHITECTURES, Architecture
from reason.base.engines import Tapped

__all__ = ["ARCHITECTURES", "Architecture", "make", "tap"]


def make(
    architecture: str,
    classes: int,
    dropout: float,
    channels: int = 3,
    arguments: Mapping[str, Any] = MappingProxyType({}),
) -> nn.Module:
    """Make an untrained network.

    Args:
        architecture: name in ``ARCHITECTURES``.
        classes: number of classes.
        dropout: rate of the dropout before the head, in [0, 1).
        channels: of the input images; the ResNets take 3.
        arguments: plain JSON, of an architecture that is made from some.

    Raises:
        ReasonError: there is no architecture of this name.
        ValueError: it does not take images of so many channels, or such arguments.
    """
    known = ARCHITECTURES[architecture]
    if known.from_arguments:
        return known.make(classes, dropout, channels, arguments)
    if arguments:
        raise ValueError(f"{architecture} is made without arguments, not from {', '.join(arguments):.60}")
    return known.make(classes, dropout, channels)


def tap(network: nn.Module, architecture: str, dropout: float) -> Tapped:
    """Put the architecture's taps on a network made by ``make``."""
    known = ARCHITECTURES[architecture]
    return Tapped(network, head=known.head, dropout=dropout, taps=known.taps)


ARCHITECTURES.load()
