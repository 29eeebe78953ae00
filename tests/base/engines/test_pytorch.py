"""The base classifier is run once a look, is never changed, and judges a batch as it judges each image."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from in_threads import in_threads
from torch import nn

from reason.base.backbones import ARCHITECTURES, make, tap
from reason.base.engines import Tapped
from reason.base.taps import POOLINGS, Tap
from reason.base.views import VIEWS
from reason.detector.detector import Detector
from reason.errors import FitError


@pytest.fixture(params=sorted(name for name, item in ARCHITECTURES.items() if not item.from_arguments))
def base(request: pytest.FixtureRequest) -> Tapped:
    torch.manual_seed(0)
    network = make(request.param, classes=4, dropout=0.2)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1)
    return tap(network, request.param, dropout=0.2).freeze()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_embedding_and_head_give_the_logits(base: Tapped, images: torch.Tensor) -> None:
    evidence = base.extract(images, gradient=False)
    rebuilt = evidence.embedding @ base.head.weight.T + base.head.bias
    torch.testing.assert_close(rebuilt, evidence.logits, rtol=1e-4, atol=1e-4)
    assert evidence.gradient_norm is None


def test_a_batch_equals_its_images(base: Tapped, images: torch.Tensor) -> None:
    together = base.extract(images, gradient=True)
    for i, image in enumerate(images):
        alone = base.extract(image[None], gradient=True)
        torch.testing.assert_close(together.logits[i], alone.logits[0], rtol=1e-3, atol=1e-4)
        assert together.gradient_norm is not None
        assert alone.gradient_norm is not None
        torch.testing.assert_close(together.gradient_norm[i], alone.gradient_norm[0], rtol=1e-3, atol=1e-5)


def test_gradient_norm_matches_finite_differences() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    base = Tapped(network, head="3").freeze()
    image = torch.randn(1, 3, 2, 2, dtype=torch.float64)
    evidence = base.extract(image, gradient=True)
    order = evidence.logits[0].topk(2).indices
    slopes = []
    for i in range(image.numel()):
        step = torch.zeros_like(image).flatten()
        step[i] = 1e-5
        up, down = (network(image + sign * step.view_as(image))[0] for sign in (1, -1))
        slopes.append(((up[order[0]] - up[order[1]]) - (down[order[0]] - down[order[1]])) / 2e-5)
    assert evidence.gradient_norm is not None
    torch.testing.assert_close(evidence.gradient_norm[0], torch.stack(slopes).norm(), rtol=1e-5, atol=1e-8)


def test_extraction_changes_nothing(base: Tapped, images: torch.Tensor) -> None:
    before = copy.deepcopy(base.network.state_dict())
    untouched = images.clone()
    base.extract(images, gradient=True)
    after = base.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in base.parameters())
    assert torch.equal(images, untouched)
    assert not images.requires_grad
    assert not base.training


def test_the_backbone_runs_once_a_batch_and_once_smaller_a_view(detector: Detector, shape_image: Any) -> None:
    shapes: list[torch.Size] = []
    handle = detector.tapped.network.register_forward_hook(lambda _, inputs, __: shapes.append(inputs[0].shape))
    detector.predict([shape_image] * 5)
    handle.remove()
    assert shapes == [(5, 3, 32, 32), (5, 3, 13, 13), (5, 3, 19, 19)]


def test_views_are_what_the_network_says_of_them(base: Tapped, images: torch.Tensor) -> None:
    evidence = base.extract(images, gradient=True, views=True)
    assert list(evidence.views) == ["shrunk", "middle"]
    for name, view in evidence.views.items():
        expected = base.extract(VIEWS[name](images), gradient=False)
        assert torch.equal(view.logits, expected.logits)
        assert torch.equal(view.embedding, expected.embedding)
        assert view.gradient_norm is None
        assert view.activations == {}
    whole = base.extract(images, gradient=True)
    assert torch.equal(evidence.logits, whole.logits)
    assert list(evidence.activations) == list(whole.activations)


class OneSize(nn.Module):
    """Takes pictures of 20 x 20 pixels, and refuses others in its own way."""

    def __init__(self, refusal: Exception) -> None:
        super().__init__()
        self.head = nn.Linear(3, 2)
        self.refusal = refusal

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if images.shape[2:] != (20, 20):
            raise self.refusal
        scores: torch.Tensor = self.head(images.mean(dim=(2, 3)))
        return scores


@pytest.mark.parametrize(
    "refusal", [RuntimeError(), ValueError("wrong size"), AssertionError("Wrong height!")], ids=repr
)
def test_a_network_of_one_size_says_that_it_takes_no_views(refusal: Exception) -> None:
    base = Tapped(OneSize(refusal), head="head").freeze()
    images = torch.zeros(1, 3, 20, 20)
    assert base.extract(images, gradient=False).views == {}
    with pytest.raises(FitError, match=r"of 8 x 8 pixels, which it does not take; leave views out of its signals\.$"):
        base.extract(images, gradient=False, views=True)


class Broken(OneSize):
    """Fails on whatever it is shown."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise self.refusal


def test_an_error_that_has_nothing_to_do_with_the_size_is_not_taken_for_a_refusal() -> None:
    base = Tapped(Broken(ValueError("a mistake in the network")), head="head").freeze()
    with pytest.raises(ValueError, match="a mistake in the network"):
        base.view(torch.zeros(1, 3, 20, 20), "shrunk")


def test_a_lack_of_memory_is_not_taken_for_a_refusal() -> None:
    base = Tapped(OneSize(torch.OutOfMemoryError("none left")), head="head").freeze()
    with pytest.raises(torch.OutOfMemoryError):
        base.extract(torch.zeros(1, 3, 20, 20), gradient=False, views=True)


def test_training_mode_is_refused(images: torch.Tensor) -> None:
    base = tap(make("cnn", classes=4, dropout=0.2), "cnn", dropout=0.2)
    with pytest.raises(RuntimeError, match="training mode"):
        base.extract(images, gradient=False)
    with pytest.raises(RuntimeError, match="training mode"):
        base.view(images, "shrunk")


def test_a_head_without_weights_is_refused() -> None:
    with pytest.raises(TypeError, match=r"must be a layer with weights"):
        Tapped(nn.Sequential(nn.Flatten(), nn.ReLU()), head="1")


def test_threads_do_not_mix_their_evidence(images: torch.Tensor) -> None:
    torch.manual_seed(0)
    base = tap(make("cnn", classes=4, dropout=0.0), "cnn", dropout=0.0).freeze()
    batches = [images + i for i in range(6)]
    expected = [base.extract(batch, gradient=False).embedding for batch in batches]
    found: dict[int, torch.Tensor] = {}

    def work(i: int) -> None:
        for _ in range(5):
            found[i] = base.extract(batches[i], gradient=False).embedding

    in_threads(work, len(batches))
    for i, embedding in enumerate(expected):
        torch.testing.assert_close(found[i], embedding)


def test_taps_pool_the_outputs_of_their_layers() -> None:
    """Stage outputs computed layer by layer; the embedding of the small network is its hidden layer."""
    torch.manual_seed(0)
    network = make("cnn", classes=4, dropout=0.2, channels=1)
    base = tap(network, "cnn", dropout=0.2).freeze()
    images = torch.randn(3, 1, 28, 28)
    found = base.extract(images, gradient=True).activations
    convolution, norm = (network.get_submodule(f"stage1.{i}") for i in range(2))
    maps = torch.relu(norm(convolution(images)))
    torch.testing.assert_close(found["stage1_mean"], maps.mean(dim=(2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found["stage1_max"], maps.amax(dim=(2, 3)), rtol=1e-4, atol=1e-5)
    spread = maps.flatten(2).numpy().std(axis=2)
    torch.testing.assert_close(found["stage1_std"], torch.from_numpy(spread), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found["hidden"], base.extract(images, gradient=False).embedding)
    assert {key: values.shape[1] for key, values in found.items()} == {
        **{f"stage1_{pooling}": 32 for pooling in ("mean", "max", "std")},
        **{f"stage2_{pooling}": 64 for pooling in ("mean", "max", "std")},
        "hidden": 128,
    }


def test_poolings_by_hand() -> None:
    maps = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]], [[2.0, 2.0], [2.0, 2.0]]]])
    found = Tap("early", "0", 2).pool(maps)
    assert {key: values.tolist() for key, values in found.items()} == {
        "early_mean": [[4, 2]],
        "early_max": [[7, 2]],
        "early_std": [[pytest.approx(5**0.5), 0]],
    }
    assert Tap("early", "0", 2).keys(("std", "mean")) == ("early_std", "early_mean")


def test_vectors_are_not_pooled() -> None:
    vectors, late = torch.rand(2, 5), Tap("late", "1", 5, layout="vectors")
    assert late.keys(("mean", "max")) == ("late",)
    assert late.pool(vectors)["late"] is vectors


def test_every_architecture_keeps_what_its_taps_promise(base: Tapped, images: torch.Tensor) -> None:
    found = base.extract(images, gradient=False).activations
    expected = {key: item.channels for item in base.taps for key in item.keys(tuple(POOLINGS))}
    assert {key: values.shape for key, values in found.items()} == {
        key: (len(images), channels) for key, channels in expected.items()
    }


def test_a_bare_forward_pass_keeps_nothing_of_the_taps() -> None:
    base = tap(make("cnn", classes=4, dropout=0.0), "cnn", dropout=0.0).freeze()
    base(torch.zeros(1, 3, 28, 28))
    assert base._kept.activations is None
