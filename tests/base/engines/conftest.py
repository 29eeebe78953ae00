"""A small classifier that takes pictures of any size, exported once."""

from __future__ import annotations

import hashlib

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from reason.base.engines import Tapped
from reason.base.engines.export import export
from reason.base.engines.exported import ExportedFiles
from reason.base.engines.graph import EMBEDDING, LOGITS
from reason.base.taps import Tap

SHAPE = (3, 20, 20)


class Small(nn.Module):
    """Two convolutions with batch norm, and a head; its features are averaged over the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.late = nn.Sequential(nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(16, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.dropout(self.late(self.early(images)).mean(dim=(2, 3))))
        return scores


@pytest.fixture(scope="session")
def small() -> Tapped:
    torch.manual_seed(0)
    network = Small()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)  # type: ignore[arg-type]
    taps = (Tap("early", "early", 8), Tap("late", "late", 16))
    return Tapped(network, head="head", dropout=0.2, taps=taps).round_weights().freeze()


@pytest.fixture(scope="session")
def files(small: Tapped, tmp_path_factory: pytest.TempPathFactory) -> ExportedFiles:
    folder = tmp_path_factory.mktemp("exported")
    weights, graph = folder / "best_base.safetensors", folder / "best_base.onnx"
    state = small.network.state_dict()
    save_file(
        {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}, weights
    )
    graph.write_bytes(export(small, SHAPE, weights))
    digest = hashlib.sha256(graph.read_bytes()).hexdigest()
    weights_digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    return ExportedFiles(graph, digest, weights, weights_digest, (LOGITS, EMBEDDING, *small.keys))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(1))
