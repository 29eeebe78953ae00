"""How a classifier is carried: what its bundle will hold, and where its embedding is found."""

from __future__ import annotations

from pathlib import Path

import own_networks
import pytest
import torch

from reason.base.classifier import CUSTOM, GRAPH, Classifier
from reason.data.images import Preprocessing
from reason.fitting.carried import carry

IMAGE = Preprocessing(32, "RGB", (0.5,) * 3, (0.25,) * 3)


@pytest.mark.parametrize(
    ("name", "features", "linear"), [("cosine", 12, True), ("plain", 20, True), ("squeezed", 12, False)]
)
def test_the_embedding_is_what_enters_the_last_layer(name: str, features: int, linear: bool, tmp_path: Path) -> None:
    network = own_networks.made(name)
    found = carry(Classifier(network, IMAGE, architecture=GRAPH), None, None, torch.device("cpu"), tmp_path)
    head = found.base.classifier_head()
    assert (found.architecture, head.features, head.weight is not None) == (GRAPH, features, linear)
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    evidence = found.engine.extract(images, gradient=False)
    with torch.no_grad():
        assert torch.allclose(evidence.logits, network(images), atol=1e-4)
    if linear:
        weight, bias = head.weights()
        assert torch.allclose(evidence.embedding @ weight.T + bias, evidence.logits, atol=1e-3)


def test_what_cannot_be_exported_is_run_as_it_is_and_that_is_said(tmp_path: Path) -> None:
    class Branching(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(3, 4)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            means = images.mean(dim=(2, 3))
            scale = 2.0 if float(means.sum()) > 1e9 else 1.0  # Python looks at a number, which no graph can
            logits: torch.Tensor = self.head(means) * scale
            return logits

    classifier = Classifier(Branching().eval(), IMAGE, architecture=GRAPH)
    found = carry(classifier, None, None, torch.device("cpu"), tmp_path)
    assert (found.architecture, found.engine.name) == (CUSTOM, "torch")
    assert "reason.load will need the network again" in found.notes[-1]
