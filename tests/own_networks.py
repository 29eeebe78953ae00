"""Classifiers that nobody shaped for REASON, small: what users write themselves."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

SHAPE = (3, 32, 32)


def plain() -> nn.Module:
    """Return convolutions and linear layers one after the other, for one size of images."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 8 * 8, 20),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(20, 5),
    )


class Residual(nn.Module):
    """A residual network for images of any size; its pooling is written out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, stride=2, padding=1)
        self.block = nn.Sequential(nn.BatchNorm2d(12), nn.SiLU(), nn.Conv2d(12, 12, 3, padding=1, groups=4))
        self.down = nn.Conv2d(12, 24, 2, stride=2)
        self.head = nn.Linear(24, 5, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.stem(images)
        maps = self.down(maps + self.block(maps)).relu()
        logits: torch.Tensor = self.head(maps.mean(dim=(2, 3)))
        return logits


class Tokens(nn.Module):
    """A transformer over patches with a class token, of which the position of each patch is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, stride=8)
        self.first = nn.Parameter(torch.randn(1, 1, 16))
        self.places = nn.Parameter(torch.randn(1, 17, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(16, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.first.expand(len(images), -1, -1), patches], dim=1) + self.places
        logits: torch.Tensor = self.head(self.blocks(tokens)[:, 0])
        return logits


class Windows(nn.Module):
    """Shifted windows with a mask, channels last, as in Swin."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.mix = nn.Linear(16, 16)
        self.norm = nn.LayerNorm(8)
        self.mask: torch.Tensor
        self.register_buffer("mask", torch.zeros(4, 16).masked_fill(torch.arange(16) % 5 == 0, -torch.inf))
        self.head = nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.patches(images).permute(0, 2, 3, 1)
        n, h, w, c = maps.shape
        rolled = torch.roll(functional.pad(self.norm(maps), (0, 0, 0, 0, 0, 0)), (2, 2), (1, 2))
        windows = rolled.view(n, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(n * 4, 16, c)
        weights = (self.mix(windows.transpose(1, 2)).view(n, 4, c, 16) + self.mask[:, None]).softmax(-1)
        mixed = torch.einsum("nwcp,nwpc->nwpc", weights, windows.view(n, 4, 16, c))
        back = mixed.reshape(n, 2, 2, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
        maps = maps + torch.roll(back, (-2, -2), (1, 2))
        logits: torch.Tensor = self.head(maps.mean(dim=(1, 2)))
        return logits


class Cosine(nn.Module):
    """Cosines between the embedding and a direction of each class, scaled."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 12, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.directions = nn.Parameter(torch.randn(5, 12))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        embedding = functional.normalize(self.body(images), dim=1)
        return 16 * functional.linear(embedding, functional.normalize(self.directions, dim=1))


class Squeezed(nn.Module):
    """A convolution as the head, rectified and then averaged: no linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 12, 5, stride=4), nn.ReLU())
        self.head = nn.Conv2d(12, 5, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.head(self.body(images))).mean(dim=(2, 3))


class Answer:
    """What some libraries return: an object that holds the logits."""

    def __init__(self, logits: torch.Tensor) -> None:
        self.logits = logits


torch.utils._pytree.register_pytree_node(
    Answer, lambda answer: ([answer.logits], None), lambda parts, _: Answer(*parts), serialized_type_name="own.Answer"
)


class Wrapped(nn.Module):
    """Logits as an attribute, from a head of two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 12, 5, stride=4), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(12, 10), nn.GELU(), nn.LayerNorm(10), nn.Linear(10, 5))

    def forward(self, images: torch.Tensor) -> Answer:
        return Answer(self.head(self.body(images)))


NETWORKS = {
    "plain": plain,
    "residual": Residual,
    "tokens": Tokens,
    "windows": Windows,
    "cosine": Cosine,
    "squeezed": Squeezed,
    "wrapped": Wrapped,
}


def made(name: str) -> nn.Module:
    """Return one of them in evaluation mode, with random weights that are always the same."""
    torch.manual_seed(0)
    return NETWORKS[name]().eval()
