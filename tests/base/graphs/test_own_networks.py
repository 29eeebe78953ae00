"""What users write themselves becomes a graph that says the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from own_networks import NETWORKS, SHAPE, made
from torch import nn

from reason.base.anatomy import discover
from reason.base.engines import Tapped
from reason.base.engines.choice import RUNTIMES
from reason.base.graphs.classifier import GraphClassifier, graph_classifier
from reason.base.outputs import logits_of
from reason.base.taps import Tap
from reason.errors import ClassifierError, FitError

IMAGES = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(5))


@dataclass(frozen=True)
class Expected:
    features: int
    linear: bool
    any_size: bool
    channels: tuple[int, ...]


EXPECTED = {
    "plain": Expected(20, True, False, (8, 16, 16)),
    "residual": Expected(24, True, True, (12, 24)),
    "tokens": Expected(16, True, False, (16, 16, 16, 16)),
    "windows": Expected(8, True, False, (8,)),
    "cosine": Expected(12, True, True, (12,)),
    "squeezed": Expected(12, False, True, (12,)),
    "wrapped": Expected(10, True, True, (12,)),
}


@pytest.fixture(scope="module", params=NETWORKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def graph(name: str, tmp_path_factory: pytest.TempPathFactory) -> GraphClassifier:
    return graph_classifier(made(name), SHAPE, tmp_path_factory.mktemp(name))


def logits(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return logits_of(network(images))


@pytest.mark.parametrize("count", [1, 5])
def test_logits_are_those_of_the_network(name: str, graph: GraphClassifier, count: int) -> None:
    found = graph.engine.extract(IMAGES[:count], gradient=False, views=graph.any_size)
    torch.testing.assert_close(found.logits, logits(made(name), IMAGES[:count]), rtol=1e-4, atol=1e-4)
    for view in found.views.values():
        assert view.logits.shape == (count, 5)


def test_its_inside_is_found(name: str, graph: GraphClassifier) -> None:
    expected, base = EXPECTED[name], graph.base
    assert (base.features, graph.any_size) == (expected.features, expected.any_size)
    assert tuple(tap.channels for tap in base.taps) == expected.channels
    found = graph.engine.look(IMAGES, gradient=False, taps=True)
    assert found.embedding.shape == (5, expected.features)
    for tap in base.taps:
        low, high = found.activations[f"{tap.name}_mean"], found.activations[f"{tap.name}_max"]
        assert bool((low <= high + 1e-6).all())


def test_a_linear_head_gives_the_logits(name: str, graph: GraphClassifier) -> None:
    head, expected = graph.base.classifier_head(), EXPECTED[name]
    assert (head.weight is not None) == expected.linear
    if head.weight is not None and head.bias is not None:
        found = graph.engine.look(IMAGES, gradient=False, taps=False)
        torch.testing.assert_close(found.embedding @ head.weight.T + head.bias, found.logits, rtol=1e-4, atol=1e-4)


def test_another_runtime_says_the_same(graph: GraphClassifier) -> None:
    other = RUNTIMES["openvino"].engine(graph.base.files)
    expected, found = (engine.look(IMAGES, gradient=False, taps=True) for engine in (graph.engine, other))
    torch.testing.assert_close(found.logits, expected.logits, rtol=1e-4, atol=1e-4)
    for key, values in expected.activations.items():
        torch.testing.assert_close(found.activations[key], values, rtol=1e-3, atol=1e-4)


def test_a_tapped_network_keeps_its_taps_and_its_dropout(tmp_path: Path) -> None:
    taps = (Tap("early", "1", 8), Tap("hidden", "8", 20, layout="vectors"))
    base = Tapped(made("plain"), head="10", dropout=0.3, taps=taps).freeze()
    graph = graph_classifier(base, SHAPE, tmp_path)
    assert (graph.base.taps, graph.base.dropout, graph.base.features) == (taps, 0.3, 20)
    found, expected = (engine.look(IMAGES, gradient=False, taps=True) for engine in (graph.engine, base))
    assert list(found.activations) == list(expected.activations)
    for key, values in expected.activations.items():
        torch.testing.assert_close(found.activations[key], values, rtol=1e-4, atol=1e-5)
    weight = graph.base.classifier_head().weight
    assert weight is not None
    assert torch.equal(weight, base.head.weight)


@pytest.mark.parametrize(("inner", "any_size"), [("residual", True), ("tokens", False), ("windows", False)])
def test_a_tapped_network_as_it_is_found(inner: str, any_size: bool, tmp_path: Path) -> None:
    """Its layers are pooled over sides of any size, and of any number of images."""
    network = made(inner)
    found = discover(network, SHAPE)
    base = Tapped(network, head=found.head, dropout=found.dropout, taps=found.taps, linear=found.linear).freeze()
    graph = graph_classifier(base, SHAPE, tmp_path)
    assert graph.any_size == any_size
    assert graph.base.files.batch is None
    assert found.taps == graph.base.taps
    expected, seen = (engine.extract(IMAGES, gradient=False, views=any_size) for engine in (base, graph.engine))
    torch.testing.assert_close(seen.embedding, expected.embedding, rtol=1e-4, atol=1e-5)
    for key, values in expected.activations.items():
        torch.testing.assert_close(seen.activations[key], values, rtol=1e-4, atol=1e-5)
    for name, view in expected.views.items():
        torch.testing.assert_close(seen.views[name].logits, view.logits, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(base.look(IMAGES, gradient=False, taps=True).embedding, expected.embedding)


def test_the_dropout_before_the_head_is_found(name: str, graph: GraphClassifier) -> None:
    assert graph.base.dropout == (0.3 if name == "plain" else 0)


def test_modules_may_be_named(tmp_path: Path) -> None:
    network = made("plain")
    graph = graph_classifier(network, SHAPE, tmp_path, head="7", taps=["1"])
    assert [(tap.module, tap.channels) for tap in graph.base.taps] == [("1", 8)]
    assert graph.base.features == 16 * 8 * 8
    found = graph.engine.look(IMAGES, gradient=False, taps=True)
    with torch.no_grad():
        expected = network[:2](IMAGES)  # type: ignore[index]
    torch.testing.assert_close(found.activations["1_max"], expected.amax(dim=(2, 3)), rtol=1e-4, atol=1e-5)
    with pytest.raises(ClassifierError, match="none"):
        graph_classifier(network, SHAPE, tmp_path, head="none")


class Counting(nn.Module):
    """Decides by the images themselves, which no graph can."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if images.sum() > 0:
            return images.mean(dim=(2, 3))
        return images.amax(dim=(2, 3))


class Noisy(nn.Module):
    """Draws numbers in evaluation mode too."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        noise = torch.rand(images.shape[0], 3)
        logits: torch.Tensor = self.head(images.mean(dim=(2, 3)) + noise)
        return logits


class Probabilities(nn.Sequential):
    """Puts out what sums to one without a softmax at its end."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = super().forward(images).exp()
        return scores / scores.sum(dim=1, keepdim=True)


def head() -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5))


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (Counting(), r"cannot be exported as an ONNX graph \(.*\); fit it in Python by reason.fit"),
        (Noisy(), "has the operator RandomUniform"),
        (Probabilities(*head()), "puts out probabilities and not logits"),
        (nn.Sequential(*head(), nn.Sigmoid()), "ends in a sigmoid"),
        (nn.Sequential(nn.Flatten(), nn.Linear(10, 5)), "cannot be exported as an ONNX graph"),
        (nn.Conv2d(3, 5, 1), "puts out n x 5 x 32 x 32 numbers"),
    ],
    ids=["decides", "noisy", "probabilities", "sigmoid", "another size", "maps"],
)
def test_what_cannot_be_carried_is_said_in_one_sentence(network: nn.Module, said: str, tmp_path: Path) -> None:
    with pytest.raises(FitError, match=said) as caught:
        graph_classifier(network.eval(), SHAPE, tmp_path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_the_input_of_a_softmax_is_taken_for_the_logits(tmp_path: Path) -> None:
    network = nn.Sequential(*head(), nn.Softmax(dim=1)).eval()
    graph = graph_classifier(network, SHAPE, tmp_path)
    assert any("softmax" in note for note in graph.notes)
    found = graph.engine.look(IMAGES, gradient=False, taps=False).logits
    torch.testing.assert_close(found.softmax(dim=1), logits(network, IMAGES))
