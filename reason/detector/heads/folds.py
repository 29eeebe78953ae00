"""Folds of the meta-fit images, and what models say of rows that they did not learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from reason.data.labels import CLEAN

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

T = TypeVar("T")

ScoreRows = Callable[[torch.Tensor], torch.Tensor]
"""From meta-vectors ``[n, columns]`` to scores ``[n]``."""

FitHead = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], T]
"""``fit(vectors, correct, clean)`` learns from rows of meta-vectors, and returns what scores others."""


@dataclass(frozen=True, slots=True)
class MetaRows:
    """Rows of meta-fit: the images, and their copies."""

    vectors: torch.Tensor
    """Meta-vectors ``[n, columns]``."""
    correct: NDArray[np.bool_]
    """Whether each prediction is right ``[n]``."""
    image: NDArray[np.int64]
    """Number of each row's source image, from 0 on ``[n]``; copies share it."""
    clean: Rows
    """The first row of each image that is not corrupted."""
    corrupted: dict[str, Rows]
    """By corruption, the rows of its copies."""

    @classmethod
    def of(
        cls, vectors: torch.Tensor, correct: torch.Tensor, sources: Sequence[str], corruptions: Sequence[str]
    ) -> MetaRows:
        """Sort rows by image and by corruption; without ``corruptions`` all are clean."""
        numbers: dict[str, int] = {}
        image = np.array([numbers.setdefault(source, len(numbers)) for source in sources], dtype=np.int64)
        names = np.array(corruptions or (CLEAN,) * len(sources))
        clean = np.flatnonzero(names == CLEAN)
        _, first = np.unique(image[clean], return_index=True)
        kinds = sorted(set(names.tolist()) - {CLEAN})
        corrupted = {kind: np.flatnonzero(names == kind) for kind in kinds}
        return cls(vectors, correct.numpy(), image, np.sort(clean[first]), corrupted)

    @property
    def shifted(self) -> Rows:
        """Rows of all corrupted copies."""
        return np.concatenate([*self.corrupted.values(), np.empty(0, dtype=np.intp)]).astype(np.intp)

    def errors(self, rows: Rows) -> int:
        """Return how many of these rows are wrong."""
        return int((~self.correct[rows]).sum())

    def tells(self, rows: Rows, fewest: int) -> bool:
        """Return whether so many source images have wrong rows, and so many right ones."""
        return all(len(set(self.image[rows[self.correct[rows] == right]])) >= fewest for right in (True, False))

    def cut(self, folds: int, seed: int) -> list[NDArray[np.bool_]]:
        """Return for each fold which rows are held out of it, bool ``[n]``.

        Copies of an image are held out together. Each fold holds out about as many images that are wrong, and of those
        that have a wrong copy.
        """
        count = int(self.image.max()) + 1
        stratum = np.zeros(count, dtype=np.int64)
        stratum[self.image[~self.correct]] = 1
        stratum[self.image[self.clean[~self.correct[self.clean]]]] = 2
        order = np.random.default_rng(seed).permutation(count)
        order = order[np.argsort(stratum[order], kind="stable")]
        fold = np.empty(count, dtype=np.int64)
        fold[order] = np.arange(count) % folds
        return [fold[self.image] == number for number in range(folds)]

    def fit(self, fit: FitHead[T], rows: NDArray[np.bool_]) -> T:
        """Return what is fitted to some rows, bool ``[n]``."""
        clean = np.zeros(len(rows), dtype=bool)
        clean[self.clean] = True
        return fit(self.vectors[torch.from_numpy(rows)], *map(torch.from_numpy, (self.correct[rows], clean[rows])))

    def held_out(self, fit: FitHead[ScoreRows], cut: Sequence[NDArray[np.bool_]], ruler: Floats) -> Floats:
        """Return what models say of each row ``[n]``, each fitted on the other folds.

        Models of several folds have scales of their own. Each is brought to that of the ruler, by matching quantiles
        on the rows that it learned from: one that ranks as the ruler does becomes the ruler.

        Args:
            fit: learns from rows.
            cut: what ``cut`` returned.
            ruler: a score of each row ``[n]`` that nothing was fitted to.

        Raises:
            FitError: a fold has right or wrong rows only.
        """
        scores = np.empty(len(self.correct))
        for held in cut:
            learned = torch.from_numpy(~held)
            model = self.fit(fit, ~held)
            known, new = (model(self.vectors[rows]).double().numpy() for rows in (learned, torch.from_numpy(held)))
            scores[held] = matched(new, known, ruler[~held])
        return scores


def matched(scores: Floats, known: Floats, ruler: Floats) -> Floats:
    """Return scores ``[n]`` on the scale of the ruler: where ``known`` has a quantile, the ruler has its own.

    Args:
        scores: to be brought there.
        known: scores of the same model ``[m]``.
        ruler: the ruler of those ``[m]``, in any order.
    """
    places, marks = np.unique(known), np.sort(ruler)
    ends = np.searchsorted(np.sort(known), places, side="right") - 1
    starts = np.searchsorted(np.sort(known), places, side="left")
    inside = np.interp(scores, places, (marks[starts] + marks[ends]) / 2)
    # Beyond both ends the order is kept.
    return inside + 1e-6 * (scores - np.clip(scores, places[0], places[-1]))
