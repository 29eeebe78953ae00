"""``timm:NAME@WEIGHTS``: a classifier of timm, with weights of a file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from torch import nn

from reason.base.backbones import ARCHITECTURES
from reason.base.classifier import Classifier
from reason.base.sources import checkpoints
from reason.base.sources.named import library, same, split
from reason.base.sources.registry import SOURCES
from reason.data.images import Preprocessing
from reason.data.resizing import Fit
from reason.errors import ClassifierError, SettingsError, first_line
from reason.suggestions import did_you_mean

KIND = "timm"

FITS: dict[str, Fit] = {"center": "crop", "squash": "squash", "border": "pad"}
"""What timm's crop modes are called here."""


@SOURCES.register(name=KIND)
def timm_classifier(text: str, preprocessing: Preprocessing | None) -> Classifier:
    """Return a classifier of timm; its preprocessing is that of timm's configuration of the model.

    Raises:
        ClassifierError: see ``resolve``.
    """
    timm = library(KIND, KIND)
    name, weights = split(text, KIND)
    if not timm.is_model(name):
        hint = did_you_mean(name, timm.list_models())
        raise ClassifierError(f"{KIND}:{name[:200]}: timm has no such classifier; {hint}")
    state = checkpoints.read(Path(weights))
    arguments: dict[str, Any] = {"name": name}
    if preprocessing is not None and preprocessing.size != _configured(timm, name)["input_size"][-1]:
        arguments["img_size"] = preprocessing.size
    channels = 3 if preprocessing is None else preprocessing.channels
    template = _make(arguments, 2, channels)
    config: Any = template.pretrained_cfg
    heads = config.get("classifier") or "head"
    names = (heads,) if isinstance(heads, str) else tuple(heads)
    classes = checkpoints.rows(state, template, names)
    if classes is None:
        raise ClassifierError(f"{weights}: has no layer {names[0]}; it is not of {KIND}:{name}.")
    network = _make(arguments, classes, channels)
    checkpoints.fill(network, state, Path(weights), f"{KIND}:{name}")
    return Classifier(network.eval(), preprocessing or _of(timm, name), (), KIND, arguments)


def _make(arguments: dict[str, Any], classes: int, channels: int) -> nn.Module:
    try:
        return ARCHITECTURES[KIND].make(classes, 0.0, channels, arguments)
    except ValueError as error:
        if "img_size" in arguments:  # a network without a size of its own takes any
            del arguments["img_size"]
            return _make(arguments, classes, channels)
        raise ClassifierError(f"{KIND}: {first_line(error)}") from None


def _configured(timm: Any, name: str) -> dict[str, Any]:
    configured = timm.get_pretrained_cfg(name)
    found: dict[str, Any] = timm.data.resolve_data_config({}, pretrained_cfg=configured.to_dict() if configured else {})
    return found


def _of(timm: Any, name: str) -> Preprocessing:
    config = _configured(timm, name)
    theirs = timm.data.create_transform(**config, is_training=False)
    size = config["input_size"][-1]
    try:
        ours = Preprocessing(
            size=size,
            mode="RGB",
            mean=tuple(map(float, config["mean"])),
            std=tuple(map(float, config["std"])),
            fit=FITS[config["crop_mode"]],
            resize=math.floor(size / config["crop_pct"]),
            interpolation=config["interpolation"],
        )
    except SettingsError as error:
        raise ClassifierError(
            f"{KIND}:{name}: its preprocessing cannot be repeated ({error}); give it by hand."
        ) from None
    if not same(ours, theirs):
        raise ClassifierError(f"{KIND}:{name}: its preprocessing cannot be repeated; give it by hand.")
    return ours
