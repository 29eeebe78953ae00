"""``torchvision:NAME@WEIGHTS``: a classifier of torchvision, with weights of a file or of a name that is cached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from reason.base.backbones import ARCHITECTURES
from reason.base.classifier import Classifier
from reason.base.sources import checkpoints
from reason.base.sources.named import same, split
from reason.base.sources.registry import SOURCES
from reason.data.images import Preprocessing
from reason.errors import ClassifierError, first_line
from reason.suggestions import did_you_mean

KIND = "torchvision"

HEADS = ("fc", "head", "heads.head", "classifier", *(f"classifier.{number}" for number in range(8)))
"""Names of the last layers of torchvision's classifiers."""


@SOURCES.register(name=KIND)
def torchvision_classifier(text: str, preprocessing: Preprocessing | None) -> Classifier:
    """Return a classifier of torchvision; its preprocessing is that of the weights it published for the model.

    Raises:
        ClassifierError: see ``resolve``.
    """
    from torchvision import models

    name, given = split(text, KIND)
    known = models.list_models(module=models)
    if name not in known:
        raise ClassifierError(f"{KIND}:{name[:200]}: torchvision has no such classifier; {did_you_mean(name, known)}")
    published = models.get_model_weights(name)
    weights = published[given] if given in published.__members__ else None
    path = Path(given) if weights is None else _cached(weights, name)
    state = checkpoints.read(path)
    arguments: dict[str, Any] = {"name": name}
    if name in ("googlenet", "inception_v3"):
        arguments |= {"aux_logits": any("aux" in key.lower() for key in state), "transform_input": weights is not None}
    if name.startswith("vit_") and preprocessing is not None:
        arguments["image_size"] = preprocessing.size
    template = _make(arguments, 2)
    classes = checkpoints.rows(state, template, HEADS)
    if classes is None:
        raise ClassifierError(f"{path}: has no layer {', '.join(HEADS[:4])}; it is not of {KIND}:{name}.")
    network = _make(arguments, classes)
    checkpoints.fill(network, state, path, f"{KIND}:{name}")
    names = tuple(weights.meta["categories"]) if weights is not None else ()
    said = preprocessing or _of(weights or published.DEFAULT, name)
    unique = len(set(names)) == len(names)
    return Classifier(network.eval(), said, names if unique else (), KIND, arguments)


def _make(arguments: dict[str, Any], classes: int) -> nn.Module:
    try:
        return ARCHITECTURES[KIND].make(classes, 0.0, 3, arguments)
    except ValueError as error:
        raise ClassifierError(f"{KIND}: {first_line(error)}") from None


def _cached(weights: Any, name: str) -> Path:
    """Return the file of published weights, which is never downloaded unasked."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    if not path.is_file():
        command = f"from torchvision import models; models.get_model('{name}', weights='{weights.name}')"
        raise ClassifierError(f'{KIND}:{name}@{weights.name}: is not on this machine; get it by python -c "{command}".')
    return path


def _of(weights: Any, name: str) -> Preprocessing:
    theirs = weights.transforms()
    ours = Preprocessing(
        size=theirs.crop_size[0],
        mode="RGB",
        mean=tuple(theirs.mean),
        std=tuple(theirs.std),
        fit="crop",
        resize=theirs.resize_size[0],
        interpolation=theirs.interpolation.value,
    )
    if not same(ours, theirs):
        raise ClassifierError(f"{KIND}:{name}: its preprocessing cannot be repeated; give it by hand.")
    return ours
