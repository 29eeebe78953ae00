"""Made-up meta-fit images whose chance to be right is known, and signals of columns that need no classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from reason.base.evidence import Evidence
from reason.signals import Column, SignalFamily, SignalSet
from reason.signals.base import Direction

CORRUPTIONS = ("noise", "blur", "fog")
NOISE = 20
"""Columns that tell nothing."""


class Columns(SignalFamily):
    """Columns whose values are made up elsewhere."""

    name, title, help = "columns", "Columns", "Made up."

    def __init__(self, columns: tuple[tuple[str, Direction], ...]) -> None:
        self.columns = tuple(Column(name, name, "", direction, "") for name, direction in columns)

    def compute(self, evidence: Evidence) -> torch.Tensor:
        return evidence.embedding


SIGNALS = SignalSet(
    [
        Columns(
            (
                ("log_odds", "trust"),
                ("rough_log_odds", "trust"),
                ("distance", "doubt"),
                *((f"noise_{number:02d}", "trust" if number % 2 else "none") for number in range(NOISE)),
            )
        )
    ]
)


@dataclass(frozen=True)
class World:
    """How images come about."""

    level: float
    """Mean log-odds of images as they are: the larger, the fewer errors."""
    telling: float = 0.0
    """How much the distance says of the outcome, beyond the log-odds."""
    bent: float = 0.0
    """How much it says where it is far from 0, on either side: no line can tell."""
    strange: float = 0.0
    """How far corrupted images are out in the distance, and how much less they are right than they say."""


@dataclass(frozen=True)
class Made:
    """Rows of images and of their copies."""

    vectors: torch.Tensor
    correct: torch.Tensor
    sources: tuple[str, ...]
    corruptions: tuple[str, ...]

    def part(self, *names: str) -> tuple[torch.Tensor, np.ndarray]:
        """Return meta-vectors and outcomes of images with one of these corruptions."""
        rows = torch.tensor([name in names for name in self.corruptions])
        return self.vectors[rows], self.correct[rows].numpy()


def make(world: World, images: int, seed: int, copies: int = 2) -> Made:
    """Draw images and, of each, corrupted copies; copies share what the image is like."""
    random = np.random.default_rng(seed)
    own = random.normal(size=images)
    blocks, corruptions = [], []
    for copy in range(copies + 1):
        names = np.array(["clean"] * images if copy == 0 else random.choice(CORRUPTIONS, images))
        lost = np.select([names == "clean", names == "noise", names == "blur"], [0.0, 2.0, 3.0], 1.0)
        log_odds = world.level - lost + 2.2 * (0.7 * own + 0.7 * random.normal(size=images))
        distance = random.normal(size=images) + world.strange * (names != "clean") * random.exponential(1, images)
        right = log_odds - world.telling * distance - world.bent * (distance**2 - 1)
        right -= world.strange * np.maximum(distance - 2, 0)
        correct = random.random(images) < 1 / (1 + np.exp(-right))
        rough = log_odds + random.normal(size=images)
        noise = random.normal(size=(images, NOISE))
        blocks.append((np.column_stack([log_odds, rough, distance, noise]), correct))
        corruptions += names.tolist()
    return Made(
        torch.from_numpy(np.concatenate([block[0] for block in blocks])).float(),
        torch.from_numpy(np.concatenate([block[1] for block in blocks])),
        tuple(f"{row}.png" for row in range(images)) * (copies + 1),
        tuple(corruptions),
    )
