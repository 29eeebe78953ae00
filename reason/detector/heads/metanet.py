"""The MetaNet: a small network from the meta-vector to the logit of P(correct)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import torch
from torch import nn
from torch.nn import functional

from reason.detector.heads.base import ReliabilityHead
from reason.errors import FitError
from reason.signals.standardise import CLIP, Standardisation
from reason.structure import require, require_options
from reason.threads import torch_threads


@dataclass(frozen=True, slots=True)
class MetaNetSettings:
    """How a MetaNet is fitted.

    Raises:
        SettingsError: a number is out of range, or an option is unknown.
    """

    hidden: tuple[int, ...] = (64, 32)
    """Width of each hidden layer."""
    dropout: float = 0.3
    """Dropout after each hidden layer, in [0, 1)."""
    group_dropout: float = 0.5
    """Chance that a training row loses all raw features, in [0, 1]."""
    raw_scale: float = 0.1
    """Factor of the standardised raw features; the smaller, the less the MetaNet can lean on them."""
    epochs: int = 12
    """Passes over the rows."""
    batch_size: int = 256
    """Rows a step."""
    learning_rate: float = 2e-3
    """AdamW's peak learning rate."""
    weight_decay: float = 0.01
    """AdamW's weight decay."""
    members: int = 5
    """Networks, each from its own seed, whose logits are averaged."""
    scalar_members: int = 0
    """How many of them see no raw features: they carry over better to images unlike those of meta-fit."""
    scalar_hidden: tuple[int, ...] = ()
    """Width of each hidden layer of these; as ``hidden`` when empty."""
    average: Literal["logits", "odds"] = "logits"
    """What is averaged over the members: logits, or the odds of failure, where one member's doubt weighs most."""
    shortcut: bool = True
    """Whether each network adds a linear function of the columns."""
    standardise: bool = True
    """Whether columns are brought to mean 0 and deviation 1, and clipped."""
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    """Course of the learning rate."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for key, widths in (("hidden", self.hidden), ("scalar_hidden", self.scalar_hidden)):
            require(all(width >= 1 for width in widths), key, f"must hold widths of at least 1, not {list(widths)}.")
        for key, count in (("epochs", self.epochs), ("batch_size", self.batch_size), ("members", self.members)):
            require(count >= 1, key, f"must be at least 1, not {count}.")
        fits = 0 <= self.scalar_members <= self.members
        require(fits, "scalar_members", f"must not be negative or exceed members, {self.members}.")
        require(0 <= self.dropout < 1, "dropout", f"must be in [0, 1), not {self.dropout}.")
        require(0 <= self.group_dropout <= 1, "group_dropout", f"must be in [0, 1], not {self.group_dropout}.")
        require(
            0 < self.learning_rate < math.inf,
            "learning_rate",
            f"must be finite and positive, not {self.learning_rate}.",
        )
        for key, value in (("raw_scale", self.raw_scale), ("weight_decay", self.weight_decay)):
            require(0 <= value < math.inf, key, f"must be finite and not negative, not {value}.")
        require_options(self)

    def small(self, members: int) -> MetaNetSettings:
        """Return the same with fewer members, both kinds among them where there were both."""
        fewer = min(self.members, members)
        mixed = self.scalar_members < self.members
        return dataclasses.replace(self, members=fewer, scalar_members=min(self.scalar_members, fewer - mixed))


class MetaNet(ReliabilityHead):
    """An average of small MLPs over standardised columns.

    Args:
        columns: width of the meta-vector.
        hidden: width of each hidden layer.
        dropout: dropout after each hidden layer.
        members: number of networks.
        shortcut: whether each adds a linear function of the columns.
        scalar_members: how many of the members, the first ones, see no raw features.
        scalar_hidden: width of each hidden layer of these; as ``hidden`` when empty.
        average: see ``MetaNetSettings``.
    """

    kind = "metanet"
    mean: torch.Tensor
    deviation: torch.Tensor
    scale: torch.Tensor
    limit: torch.Tensor

    def __init__(
        self,
        columns: int,
        hidden: Sequence[int],
        dropout: float = 0.0,
        members: int = 1,
        shortcut: bool = True,
        scalar_members: int = 0,
        scalar_hidden: Sequence[int] = (),
        average: str = "logits",
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("deviation", torch.ones(columns))
        # One row a member, 0 where it does not see a column.
        self.register_buffer("scale", torch.ones(members, columns))
        self.register_buffer("limit", torch.tensor(CLIP))
        self.shape = {
            "hidden": tuple(hidden),
            "members": members,
            "shortcut": shortcut,
            "scalar_members": scalar_members,
            "scalar_hidden": tuple(scalar_hidden),
            "average": average,
        }
        widths = [scalar_hidden or hidden] * scalar_members + [hidden] * (members - scalar_members)
        self.members = nn.ModuleList(_Member(columns, width, dropout, shortcut) for width in widths)

    @classmethod
    def unfitted(cls, names: Sequence[str], shape: Mapping[str, Any]) -> Self:
        """Make one of this shape; see ``ReliabilityHead.unfitted``."""
        return cls(len(names), **shape)

    def standardise(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return columns in standard deviations of meta-fit, clipped to +-``limit``."""
        return Standardisation(self.mean, self.deviation, self.limit)(vectors)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the logit of P(correct) ``[n]``; larger = more trustworthy; not yet calibrated."""
        standard = self.standardise(vectors)
        logits = [member(standard * scale) for member, scale in zip(self.members, self.scale, strict=True)]
        stacked = torch.stack(logits)
        if self.shape["average"] == "odds":
            return math.log(len(stacked)) - torch.logsumexp(-stacked, dim=0)
        return stacked.mean(dim=0)


class _Member(nn.Module):
    def __init__(self, columns: int, hidden: Sequence[int], dropout: float, shortcut: bool) -> None:
        super().__init__()
        widths = (columns, *hidden)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
        self.deep = nn.Sequential(*layers, nn.Linear(widths[-1], 1))
        self.shortcut: nn.Linear | None = None
        if shortcut:
            self.shortcut = nn.Linear(columns, 1, bias=False)
            nn.init.zeros_(self.shortcut.weight)

    def forward(self, standard: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.deep(standard)
        if self.shortcut is not None:
            logits = logits + self.shortcut(standard)
        return logits[:, 0]


def fit(
    vectors: torch.Tensor, correct: torch.Tensor, raw: Sequence[bool], settings: MetaNetSettings, seed: int
) -> MetaNet:
    """Fit a MetaNet by binary cross-entropy on whether the base classifier was right.

    Args:
        vectors: meta-vectors of images that the base classifier did not train on, ``[n, columns]``.
        correct: bool ``[n]``.
        raw: whether each column is a raw feature, see ``SignalSet.raw``.
        settings: architecture and training.
        seed: seed of the weights, the batches and the dropout.

    Raises:
        FitError: all predictions are correct, or all are wrong: there is nothing to learn.
    """
    if correct.all() or not correct.any():
        raise FitError("the MetaNet needs correct and wrong predictions among the meta-fit images.")
    hidden = torch.tensor(raw, dtype=torch.bool)
    with torch_threads(1), torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        net = MetaNet(
            vectors.shape[1],
            settings.hidden,
            settings.dropout,
            settings.members,
            settings.shortcut,
            settings.scalar_members,
            settings.scalar_hidden,
            settings.average,
        )
        if settings.standardise:
            found = Standardisation.fit(vectors)
            net.mean.copy_(found.mean)
            net.deviation.copy_(found.deviation)
        else:
            net.limit.fill_(torch.inf)
        net.scale[:, hidden] = settings.raw_scale
        net.scale[: settings.scalar_members, hidden] = 0.0
        standard = net.standardise(vectors)
        for member, scale in zip(net.members, net.scale, strict=True):
            _fit_member(member, standard * scale, correct.float(), hidden, settings)
    return net.frozen()


def _fit_member(
    member: nn.Module,
    standard: torch.Tensor,
    correct: torch.Tensor,
    raw: torch.Tensor,
    settings: MetaNetSettings,
) -> None:
    optimizer = torch.optim.AdamW(member.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    batches = -(-len(standard) // settings.batch_size)
    schedule = _schedule(optimizer, settings, settings.epochs * batches)
    member.train()
    for _ in range(settings.epochs):
        for rows in torch.randperm(len(standard)).split(settings.batch_size):
            hidden = raw & (torch.rand(len(rows), 1) < settings.group_dropout)
            logits = member(standard[rows].masked_fill(hidden, 0.0))
            loss = functional.binary_cross_entropy_with_logits(logits, correct[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _schedule(
    optimizer: torch.optim.Optimizer, settings: MetaNetSettings, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if settings.schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=steps, cycle_momentum=False
    )
