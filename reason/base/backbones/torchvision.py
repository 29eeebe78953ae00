"""Classifiers of torchvision, made by their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from reason.base.backbones.architecture import ARCHITECTURES, Architecture
from reason.base.backbones.arguments import check, is_side, is_switch, is_word

RULES = {"name": is_word, "image_size": is_side, "aux_logits": is_switch, "transform_input": is_switch}
"""What may be said of a classifier beside its classes."""


def torchvision(classes: int, dropout: float, channels: int, arguments: Mapping[str, Any]) -> nn.Module:
    """Return an untrained classifier of torchvision; its own rates of dropout stay, which matter in training alone.

    Raises:
        ValueError: torchvision has no such classifier, or does not take the arguments or so many channels.
    """
    from torchvision import models

    check(arguments, RULES)
    name = arguments.get("name")
    if name not in models.list_models(module=models):
        raise ValueError(f"torchvision has no classifier {name!r:.60}")
    if channels != 3:
        raise ValueError(f"torchvision's classifiers take images of 3 channels, not {channels}")
    more = {key: value for key, value in arguments.items() if key != "name"}
    if name in ("googlenet", "inception_v3"):
        more["init_weights"] = False
    try:
        made: nn.Module = models.get_model(name, weights=None, num_classes=classes, **more)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"torchvision's {name} does not take its arguments ({error!s:.100})") from None
    return made


ARCHITECTURES.register(Architecture("torchvision", torchvision, from_arguments=True))
