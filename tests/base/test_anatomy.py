"""Where things are in a classifier is checked against where its authors put them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

from reason.base.anatomy import Anatomy, discover, unwrapped
from reason.base.engines import Tapped
from reason.errors import ClassifierError

SHAPE = (3, 32, 32)


class Cosine(nn.Module):
    """A normalised head."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 8))

    def forward(self, features: Tensor) -> Tensor:
        return 10 * functional.normalize(features) @ functional.normalize(self.weight).T


class Function(nn.Module):
    """A module of a function."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Any:
        return self.function(images)


def body(outputs: int = 8) -> list[nn.Module]:
    return [nn.Conv2d(3, outputs, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]


def small(*more: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*body(), *(more or (nn.Linear(8, 5),)))


def found(network: nn.Module, shape: tuple[int, int, int] = SHAPE) -> tuple[str, bool, int, int, float]:
    anatomy = discover(network, shape)
    return anatomy.head, anatomy.linear, anatomy.features, anatomy.classes, anatomy.dropout


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ([nn.Linear(8, 5)], ("4", True, 8, 5, 0.0)),
        ([nn.Dropout(0.3), nn.Linear(8, 5, bias=False)], ("5", True, 8, 5, 0.3)),
        ([nn.Linear(8, 6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 5)], ("7", True, 6, 5, 0.2)),
        ([nn.Dropout(0.2), nn.LayerNorm(8), nn.Linear(8, 5)], ("6", True, 8, 5, 0.0)),
        ([nn.utils.parametrizations.weight_norm(nn.Linear(8, 5))], ("4", True, 8, 5, 0.0)),
        ([Cosine()], ("4", False, 8, 5, 0.0)),
        ([nn.Linear(8, 5), nn.BatchNorm1d(5)], ("4", True, 8, 5, 0.0)),
        ([nn.Linear(8, 5), nn.LogSoftmax(dim=1)], ("4", False, 8, 5, 0.0)),
    ],
)
def test_the_head_is_the_last_module_with_weights(head: list[nn.Module], expected: tuple[Any, ...]) -> None:
    if isinstance(head[-1], nn.BatchNorm1d):
        expected = ("4", False, *expected[2:])
        head[-1].running_mean = torch.ones(5)
    assert found(small(*head)) == expected


def test_a_convolution_is_a_head_linear_when_only_averaged() -> None:
    averaged = nn.Sequential(*body()[:2], nn.Conv2d(8, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert found(averaged) == ("2", True, 8, 5, 0.0)
    assert found(nn.Sequential(averaged[:3], nn.ReLU(), averaged[3:]))[:2] == ("0.2", False)
    assert found(models.squeezenet1_1(num_classes=7), (3, 64, 64))[:4] == ("classifier.1", False, 512, 7)


def test_logits_come_out_of_objects_and_dicts() -> None:
    class Output(dict[str, Tensor]):
        pass

    assert found(small(nn.Linear(8, 5), Function(lambda x: Output(logits=x, other=x)))) == ("4", True, 8, 5, 0.0)
    assert found(small(nn.Linear(8, 5), Function(lambda x: (x, {"states": x[None]})))) == ("4", True, 8, 5, 0.0)
    with pytest.raises(ClassifierError, match=r"puts out a tuple with 2 tensors of \[n, classes\]"):
        found(small(nn.Linear(8, 5), Function(lambda x: (x, 2 * x))))


def test_side_branches_are_no_heads() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head, self.side = nn.Sequential(*body()), nn.Linear(8, 5), nn.Linear(8, 3)

        def forward(self, images: Tensor) -> Tensor:
            features = self.body(images)
            logits: Tensor = self.head(features)
            self.side(features)
            return logits

    assert found(Branching())[0] == "head"


def test_wrappers_are_taken_off() -> None:
    network = small()
    assert unwrapped(nn.DataParallel(network)) is network
    assert unwrapped(torch.compile(network)) is network  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated
        traced = torch.jit.trace(network, torch.rand(1, *SHAPE))
    with pytest.raises(ClassifierError, match="TorchScript"):
        discover(traced, SHAPE)


@pytest.mark.parametrize(
    ("make", "size", "layout", "taps"),
    [
        (models.resnet18, 64, "maps", ["layer1", "layer2", "layer3", "layer4"]),
        (models.mobilenet_v3_small, 64, "maps", ["features.1", "features.3", "features.8", "features"]),
        (models.swin_t, 64, "channels_last", ["features.1", "features.3", "features.5", "norm"]),
    ],
)
def test_stages_are_tapped(make: Callable[..., nn.Module], size: int, layout: str, taps: list[str]) -> None:
    anatomy = discover(make(num_classes=7), (3, size, size))
    assert [tap.module for tap in anatomy.taps] == taps
    assert {tap.layout for tap in anatomy.taps} == {layout}
    assert anatomy.linear
    assert anatomy.gradient


def vit() -> models.VisionTransformer:
    network = models.VisionTransformer(32, 8, 6, 2, 16, 32, num_classes=5)
    nn.init.normal_(network.heads.head.weight)
    return network


def test_blocks_of_a_transformer_are_tapped_evenly() -> None:
    anatomy = discover(vit().eval(), SHAPE)
    blocks = [f"encoder.layers.encoder_layer_{number}" for number in (1, 2, 3, 5)]
    assert [tap.module for tap in anatomy.taps] == blocks
    assert [tap.name for tap in anatomy.taps] == [name.rpartition(".")[2] for name in blocks]
    assert {tap.layout for tap in anatomy.taps} == {"tokens"}
    assert not anatomy.any_size
    assert "one size only" in anatomy.notes[0]


def test_vectors_of_a_perceptron_are_tapped_but_the_embedding() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3072, 9), nn.ReLU(), nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 5))
    anatomy = discover(network, SHAPE)
    assert [(tap.module, tap.channels, tap.layout) for tap in anatomy.taps] == [
        ("2", 9, "vectors"),
        ("3", 8, "vectors"),
    ]
    assert not anatomy.any_size


def test_tapped_reads_what_was_found() -> None:
    network = vit().eval()
    images = torch.rand(3, *SHAPE)
    anatomy = discover(network, SHAPE)
    evidence = Tapped(network, head=anatomy.head, taps=anatomy.taps).freeze().extract(images, gradient=True)
    with torch.no_grad():
        tokens = network.encoder(torch.cat([network.class_token.expand(3, -1, -1), network._process_input(images)], 1))
        states: list[Tensor] = []
        network.encoder.layers[1].register_forward_hook(lambda _, __, output: states.append(output))
        logits = network(images)
    assert torch.allclose(evidence.logits, logits, atol=1e-5)
    assert torch.allclose(evidence.embedding, tokens[:, 0], atol=1e-5)
    key = f"{anatomy.taps[0].name}_mean"
    assert torch.allclose(evidence.activations[key], states[0].mean(dim=1), atol=1e-5)


def test_names_given_by_hand_are_taken() -> None:
    network = small(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 5))
    anatomy = discover(network, SHAPE, head="4", taps=["1"])
    assert (anatomy.head, anatomy.linear, anatomy.features) == ("4", False, 8)
    assert [(tap.module, tap.layout) for tap in anatomy.taps] == [("1", "maps")]
    with pytest.raises(ClassifierError, match="head fc: the classifier calls no module of this name"):
        discover(network, SHAPE, head="fc")
    with pytest.raises(ClassifierError, match="tap layer9: the classifier calls no module"):
        discover(network, SHAPE, taps=["layer9"])


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (small(nn.Linear(8, 5), nn.Softmax(dim=1)), "probabilities instead of logits"),
        (small(nn.Linear(8, 5), nn.Sigmoid()), "probabilities instead of logits"),
        (small(nn.Linear(8, 5), Function(lambda x: x * float("nan"))), "NaN or infinity"),
        (small(nn.Linear(8, 5), Function(lambda x: x + torch.rand(1))), "sees the same images again"),
        (small(nn.Linear(8, 5), Function(lambda x: x - x.mean(dim=0))), "other images of the batch"),
        (small(nn.Linear(8, 1)), "one number an image"),
        (small(nn.Linear(8, 5), Function(lambda x: x[0])), r"puts out \[5\] for 2 images"),
        (nn.Sequential(nn.Conv2d(1, 8, 3), *body()[1:], nn.Linear(8, 5)), "set the mode to L"),
        (nn.Sequential(nn.Flatten(), nn.Linear(7, 5)), r"does not take images \[2, 3, 32, 32\] \(RuntimeError"),
        (nn.Sequential(nn.Flatten(), Function(lambda x: x[:, :5])), "no module with weights"),
    ],
)
def test_what_cannot_be_judged_is_refused(network: nn.Module, message: str) -> None:
    with pytest.raises(ClassifierError, match=message):
        discover(network, SHAPE)


def test_modes_and_parameters_stay_as_they_were() -> None:
    network = small(nn.BatchNorm1d(8), nn.Linear(8, 5)).train()
    network[4].eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    anatomy: Anatomy = discover(network, SHAPE)
    assert [module.training for module in network] == [True] * 4 + [False, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert "training mode" in anatomy.notes[0]
