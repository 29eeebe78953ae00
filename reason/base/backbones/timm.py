"""Classifiers of timm, made by their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from reason.base.backbones.architecture import ARCHITECTURES, Architecture
from reason.base.backbones.arguments import check, is_side, is_word

RULES = {"name": is_word, "img_size": is_side, "global_pool": is_word}
"""What may be said of a classifier beside classes and channels."""


def timm(classes: int, dropout: float, channels: int, arguments: Mapping[str, Any]) -> nn.Module:
    """Return an untrained classifier of timm; its own rates of dropout stay, which matter in training alone.

    Raises:
        ValueError: timm is not installed, has no such classifier, or does not take the arguments.
    """
    try:
        import timm as library
    except ImportError:
        raise ValueError("timm is not installed, pip install 'reason[timm]'") from None
    check(arguments, RULES)
    name = arguments.get("name")
    if not isinstance(name, str) or not library.is_model(name):
        raise ValueError(f"timm has no classifier {name!r:.60}")
    more = {key: value for key, value in arguments.items() if key != "name"}
    try:
        made: nn.Module = library.create_model(name, pretrained=False, num_classes=classes, in_chans=channels, **more)
    except (AssertionError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"timm's {name} does not take its arguments ({error!s:.100})") from None
    return made


ARCHITECTURES.register(Architecture("timm", timm, from_arguments=True))
