"""The forms in which users have classifiers: weights of a library's model, folders, own code, exported files."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reason.data.images import Preprocessing

OWN_MODULE = "my_classifier"

Save = Callable[[nn.Module, Path, Preprocessing], str]
"""Writes a classifier into a folder, and returns what ``--classifier`` is to be; paths are relative to the folder."""


def weights(named: str) -> Save:
    """Return what saves the weights alone, of a model that a library makes by name."""

    def save(network: nn.Module, folder: Path, _: Preprocessing) -> str:
        torch.save(network.state_dict(), folder / "weights.pth")
        return f"{named}@weights.pth"

    return save


def own_code(function: str) -> Save:
    """Return what saves the weights beside a module of the user's, whose function ``classifier`` reads them."""

    def save(network: nn.Module, folder: Path, _: Preprocessing) -> str:
        torch.save(network.state_dict(), folder / "weights.pth")
        (folder / f"{OWN_MODULE}.py").write_text(_module(function))
        return f"{OWN_MODULE}:classifier"

    return save


def _module(function: str) -> str:
    return f"""from pathlib import Path

import torch
from torch import nn


{inspect.getsource(globals()[function])}

def classifier() -> nn.Module:
    network = {function}()
    network.load_state_dict(torch.load(Path(__file__).with_name("weights.pth"), weights_only=True))
    return network
"""


def pt2(network: nn.Module, folder: Path, image: Preprocessing) -> str:
    """Save a program of torch.export, which needs no code of the network's."""
    batch = torch.export.Dim("batch", min=1, max=256)
    program = torch.export.export(network.eval(), (_example(image),), dynamic_shapes=({0: batch},))
    torch.export.save(program, folder / "model.pt2")
    return "model.pt2"


def onnx(network: nn.Module, folder: Path, image: Preprocessing) -> str:
    """Save an ONNX file."""
    torch.onnx.export(
        network.eval(),
        (_example(image),),
        folder / "model.onnx",
        dynamo=True,
        external_data=False,
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=256)},),
        verbose=False,
    )
    return "model.onnx"


def hugging_face(network: nn.Module, folder: Path, image: Preprocessing) -> str:
    """Save a folder as Transformers does, with the configuration of an image processor."""
    from transformers import ViTImageProcessor

    network.save_pretrained(folder / "model")  # type: ignore[operator]  # of PreTrainedModel
    ViTImageProcessor(
        do_resize=True,
        size={"height": image.size, "width": image.size},
        resample=3,  # bicubic
        image_mean=list(image.mean),
        image_std=list(image.std),
    ).save_pretrained(folder / "model")
    return "hf:model"


def _example(image: Preprocessing) -> torch.Tensor:
    return torch.zeros(2, image.channels, image.size, image.size)


def sequential() -> nn.Module:
    """Return a user's own small network for digits."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 64),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 10),
    )


def vit_b_16() -> nn.Module:
    """Return torchvision's ViT-B/16 for pictures of 32 pixels."""
    from torchvision.models import vit_b_16

    network: nn.Module = vit_b_16(image_size=32, num_classes=10)
    return network


def tiny_vit() -> nn.Module:
    """Return a small ViT of Transformers."""
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=192,
        num_hidden_layers=6,
        num_attention_heads=3,
        intermediate_size=576,
        image_size=64,
        patch_size=8,
        **_labels(),
    )
    network: nn.Module = ViTForImageClassification(config)
    return network


def tiny_convnext() -> nn.Module:
    """Return a small ConvNeXt of Transformers."""
    from transformers import ConvNextConfig, ConvNextForImageClassification

    config = ConvNextConfig(hidden_sizes=[48, 96, 192, 384], depths=[2, 2, 4, 2], **_labels())
    network: nn.Module = ConvNextForImageClassification(config)
    return network


def _labels() -> dict[str, Any]:
    from reason.data.datasets.imagenette import CLASSES

    names = dict(enumerate(CLASSES.values()))
    return {"num_labels": len(names), "id2label": names, "label2id": {name: place for place, name in names.items()}}
