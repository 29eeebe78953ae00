"""What an architecture declares, and the registry of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from reason.base.taps import Tap
from reason.registry import Registry

FILES = ("resnet", "cnn", "torchvision", "timm", "transformers")
"""Modules of this package that hold architectures; to add one, name it here."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """How to make a base classifier, and where to tap it."""

    name: str
    """Name, as recipes and bundles write it."""
    make: Callable[..., nn.Module]
    """``make(classes, dropout, channels)`` returns the untrained network; it raises ``ValueError`` for channels of
    the input that it does not take. The weights of a bundle are loaded into what it returns.
    """
    head: str = ""
    """Dotted name of the last ``nn.Linear``; its input is the embedding, its output the logits."""
    taps: tuple[Tap, ...] = ()
    """Further layers that signals may read."""
    from_arguments: bool = False
    """Whether ``make`` takes plain JSON too, ``make(classes, dropout, channels, arguments)``, and raises ``ValueError``
    for what it refuses of it. It makes many networks: the bundle says which of their modules are head and taps.
    """


ARCHITECTURES: Registry[Architecture] = Registry(
    "architecture",
    group="reason.architectures",
    modules=[f"reason.base.backbones.{file}" for file in FILES],
    accepts=lambda item: isinstance(item, Architecture),
)
"""Architectures by name."""
