"""A short training by plain cross-entropy: what comes out is half-trained, and has the errors that are wanted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from reason import progress
from reason.data.images import Preprocessing

BATCH = 64
SHIFT = 0.125
"""Largest shift of a training picture, as a share of its side."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast."""

    epochs: int = 4
    learning_rate: float = 2e-3
    images: int = 7000
    """Most images."""
    mirror: bool = True
    head_alone: bool = False
    """Whether to train the last layer alone, on features that are good already."""


def train(
    network: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, preprocessing: Preprocessing, schedule: Schedule
) -> None:
    """Train a network in place by AdamW with one cycle, in bfloat16 where PyTorch does, on shifted and mirrored images.

    Args:
        network: standardised images ``[n, channels, side, side]`` to logits, or to something with ``.logits``.
        pixels: uint8 ``[n, channels, side, side]``.
        labels: int64 ``[n]``.
        preprocessing: standardises them.
        schedule: how long and how fast.
    """
    network.train(not schedule.head_alone).to(memory_format=torch.channels_last)
    *features, weight, bias = network.parameters()
    for parameter in features:
        parameter.requires_grad_(not schedule.head_alone)
    trained = [parameter for parameter in (*features, weight, bias) if parameter.requires_grad]
    steps = schedule.epochs * (len(labels) // BATCH)
    optimizer = torch.optim.AdamW(trained, schedule.learning_rate, weight_decay=0.05)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.learning_rate, total_steps=steps, pct_start=0.25)
    generator = torch.Generator().manual_seed(0)
    with progress.bar("train", unit="steps") as bar:
        order = torch.empty(0, dtype=torch.int64)
        for _ in bar.over(range(steps)):
            if len(order) < BATCH:
                order = torch.randperm(len(labels), generator=generator)
            rows, order = order[:BATCH], order[BATCH:]
            images = preprocessing.normalise(_augmented(pixels[rows], schedule.mirror, generator))
            with torch.autocast("cpu", torch.bfloat16):
                logits = logits_of(network(images.contiguous(memory_format=torch.channels_last)))
            loss = functional.cross_entropy(logits.float(), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            cycle.step()
    network.eval().to(memory_format=torch.contiguous_format)


def accuracy(network: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, preprocessing: Preprocessing) -> float:
    """Return the share of images that a network has right, in [0, 1]."""
    right = 0
    with torch.inference_mode():
        for some, truth in zip(pixels.split(BATCH), labels.split(BATCH), strict=True):
            right += int((logits_of(network(preprocessing.normalise(some))).argmax(1) == truth).sum())
    return right / len(labels)


def logits_of(output: object) -> torch.Tensor:
    """Return the logits of whatever a classifier returns."""
    logits = getattr(output, "logits", output)
    assert isinstance(logits, torch.Tensor)
    return logits


def _augmented(pixels: torch.Tensor, mirror: bool, generator: torch.Generator) -> torch.Tensor:
    most = int(pixels.shape[-1] * SHIFT)
    down, right = (int(torch.randint(-most, most + 1, (), generator=generator)) for _ in range(2))
    moved = torch.roll(pixels, (down, right), dims=(2, 3))
    flipped = torch.rand(len(moved), generator=generator) < 0.5
    return torch.where(flipped[:, None, None, None], moved.flip(3), moved) if mirror else moved
