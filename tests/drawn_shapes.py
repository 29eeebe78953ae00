"""Drawn shapes: the small data set that the tests train on."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.nn import functional

from reason.base.backbones import make
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing

SHAPES = ("circle", "cross", "square")


def draw_shape(name: str, random: np.random.Generator, side: int = 32) -> Image.Image:
    """Draw one shape at a random place, with colours so close and noise so strong that some are hard to tell."""
    image = Image.new("RGB", (side, side), tuple(random.integers(60, 120, 3).tolist()))
    pen = ImageDraw.Draw(image)
    colour = tuple(random.integers(125, 230, 3).tolist())
    x, y = random.integers(10, side - 10, 2).tolist()
    r = int(random.integers(6, 10))
    if name == "circle":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    elif name == "square":
        pen.rectangle((x - r, y - r, x + r, y + r), fill=colour)
    else:
        pen.rectangle((x - r, y - 2, x + r, y + 2), fill=colour)
        pen.rectangle((x - 2, y - r, x + 2, y + r), fill=colour)
    noisy = np.asarray(image) + random.normal(0, 25, (side, side, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def shape_preprocessing() -> Preprocessing:
    return Preprocessing(size=32, mode="RGB", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def train_shape_network(shapes: ImageSet, epochs: int = 6) -> torch.nn.Module:
    torch.manual_seed(0)
    network = make("cnn", len(SHAPES), dropout=0.2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    images = shape_preprocessing().normalise(shapes.pixels)
    for _ in range(epochs):
        for rows in torch.randperm(len(shapes)).split(32):
            loss = functional.cross_entropy(network(images[rows]), shapes.labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network
