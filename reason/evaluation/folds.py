"""Folds of meta-fit cut by source image, and what a score is worth on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from reason import metrics
from reason.base.evidence import Labelled
from reason.data.corruptions import CORRUPTIONS
from reason.data.image_set import split
from reason.data.labels import CLEAN

LEARNED = 2 / 3
"""Share of the meta-fit images that a fold learns from."""

LEFT_OUT = (("noise", "occlusion"), ("lighting", "digital"), ("geometry",))
"""Groups of corruption families, each left out in turn; those that no copy has are passed over."""

ScoreRows = Callable[[torch.Tensor], torch.Tensor]
"""From rows of meta-fit, int64 ``[n]``, to their scores ``[n]``, larger = more trustworthy."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that scores predictions."""

    name: str
    fit: Callable[[torch.Tensor, int], ScoreRows]
    """``fit(rows, seed)`` learns from these rows of meta-fit, int64 ``[n]``, and from no others."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of meta-fit, int64 ``[n]`` each, of which those scored are no copies of images learned from."""

    seed: int
    learned: torch.Tensor
    clean: torch.Tensor
    """Scored: the first uncorrupted copy of each image, the image itself where the recipe learns from it."""
    seen: torch.Tensor
    """Scored: all corrupted copies."""
    left_out: dict[str, tuple[torch.Tensor, torch.Tensor]]
    """By group of families: learned from, without the group, and scored, of the group alone."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the table says about a contender."""

    name: str
    values: dict[str, float]
    """AUROC by column, mean over the seeds: clean, seen, and with ``left out``, their mean, the left-out groups.

    NaN where the scored rows of a fold are all right or all wrong.
    """
    spread: float
    """Largest minus smallest ``left out`` over the seeds; NaN without groups."""


def folds(meta: Labelled, seeds: int) -> list[Fold]:
    """Cut meta-fit by source image, with the same share of each class in both parts."""
    images: dict[str, int] = {}
    image = torch.tensor([images.setdefault(source, len(images)) for source in meta.sources])
    labels = torch.zeros(len(images), dtype=torch.int64)
    labels[image] = meta.labels
    names = meta.corruptions or (CLEAN,) * len(meta)
    corrupted = torch.tensor([name != CLEAN for name in names])
    first: dict[str, int] = {}
    for row in _rows(~corrupted).tolist():
        first.setdefault(meta.sources[row], row)
    clean = torch.isin(torch.arange(len(meta)), torch.tensor(list(first.values()), dtype=torch.int64))
    families = [None if name == CLEAN else CORRUPTIONS[name].family for name in names]
    groups = {", ".join(group): torch.tensor([family in group for family in families]) for group in LEFT_OUT}
    cut = []
    for seed in range(seeds):
        learned = torch.isin(image, split(labels, (LEARNED,), seed)[0])
        left_out = {
            name: (_rows(learned & ~group), _rows(~learned & group)) for name, group in groups.items() if group.any()
        }
        cut.append(Fold(seed, _rows(learned), _rows(~learned & clean), _rows(~learned & corrupted), left_out))
    return cut


def _rows(mask: torch.Tensor) -> torch.Tensor:
    return mask.nonzero().flatten()


def rank(contender: Contender, cut: Sequence[Fold], correct: torch.Tensor) -> Row:
    """Return the mean AUROC over the folds of whether the predictions are correct, bool ``[rows of meta-fit]``."""

    def auroc(score: ScoreRows, rows: torch.Tensor) -> float:
        return metrics.auroc(score(rows).numpy(), correct[rows].numpy()) if len(rows) else math.nan

    runs = []
    for fold in cut:
        score = contender.fit(fold.learned, fold.seed)
        run = {"clean": auroc(score, fold.clean), "seen": auroc(score, fold.seen)}
        groups = {
            name: auroc(contender.fit(learned, fold.seed), scored) for name, (learned, scored) in fold.left_out.items()
        }
        mean = {"left out": float(np.mean(list(groups.values())))} if groups else {}
        runs.append(run | mean | groups)
    values = {column: float(np.mean([run[column] for run in runs])) for column in runs[0]}
    return Row(contender.name, values, float(np.ptp([run.get("left out", math.nan) for run in runs])))
