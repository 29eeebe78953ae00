"""How well candidates rank the meta-fit images, and how sure their lead over MSP is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reason.detector.heads.folds import MetaRows, Rows
from reason.detector.heads.record import Estimate, PartFigures
from reason.metrics import augrc, auroc, cluster_weights, weighted_auroc

Floats = NDArray[np.float64]

FEWEST_IMAGES = 5
"""Source images with wrong predictions, and with right ones, that a part needs to be ranked by itself."""

DRAWS = 1000
"""Resamples of the source images."""

CLEAN, SHIFTED = "clean", "shifted"
"""The two parts: images as they are, and their corrupted copies, all together as a user would meet them."""

LEVEL = 0.95
"""Of intervals."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """How one candidate ranks the parts that can be ranked."""

    auroc: Mapping[str, float]
    """By part."""
    augrc: Mapping[str, float]
    """By part."""
    draws: Mapping[str, Floats]
    """By part, the AUROC of each resample ``[draws]``; the same resamples for every candidate."""

    @property
    def mean(self) -> float:
        """AUROC, the mean over the parts; NaN without any."""
        return float(np.mean(list(self.auroc.values()))) if self.auroc else math.nan


class Ranking:
    """Ranks candidates on the same rows and resamples.

    Args:
        rows: of meta-fit.
        seed: of the resamples.
    """

    def __init__(self, rows: MetaRows, seed: int) -> None:
        self._rows = rows
        parts = {CLEAN: rows.clean, SHIFTED: rows.shifted}
        self._parts = {name: part for name, part in parts.items() if rows.tells(part, FEWEST_IMAGES)}
        self._weights = cluster_weights(rows.image, DRAWS, seed)

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts that hold enough wrong and right predictions."""
        return tuple(self._parts)

    def rank(self, scores: Floats) -> Ranked:
        """Return how scores of all rows ``[n]`` rank each part."""
        every = {part: self._figures(scores, rows) for part, rows in self._parts.items()}
        return Ranked(
            {part: found for part, (found, _, _) in every.items()},
            {part: found for part, (_, found, _) in every.items()},
            {part: found for part, (_, _, found) in every.items()},
        )

    def _figures(self, scores: Floats, rows: Rows) -> tuple[float, float, Floats]:
        values, correct = scores[rows], self._rows.correct[rows]
        draws = weighted_auroc(values, correct, self._weights[:, self._rows.image[rows]])
        return auroc(values, correct), augrc(values, correct), draws

    def figures(self, ranked: Ranked, msp: Ranked, part: str) -> PartFigures | None:
        """Return the figures of a candidate on a part; ``None`` where the part cannot be ranked."""
        if part not in self._parts:
            return None
        value, draws, images = ranked.auroc[part], ranked.draws[part], self.wrong_images(part)
        auroc_95 = estimate(value, draws, images)
        return PartFigures(
            Estimate(value, max(auroc_95.low, 0.0), min(auroc_95.high, 1.0)),
            ranked.augrc[part],
            estimate(value - msp.auroc[part], draws - msp.draws[part], images),
        )

    def lead(self, ranked: Ranked, other: Ranked, looks: int = 1) -> Estimate | None:
        """Return the lead in the mean over the parts; ``None`` without any.

        Args:
            ranked: who may lead.
            other: whom it may lead.
            looks: among how many candidates it was looked for: the interval is as much wider (Bonferroni).
        """
        if not self._parts:
            return None
        draws = np.mean([ranked.draws[part] - other.draws[part] for part in self._parts], axis=0)
        images = min(self.wrong_images(part) for part in self._parts)
        return estimate(ranked.mean - other.mean, draws, images, looks)

    def wrong_images(self, part: str) -> int:
        """Return how many source images have a wrong prediction in a part."""
        rows = self._parts[part]
        return len(set(self._rows.image[rows[~self._rows.correct[rows]]].tolist()))


def estimate(value: float, draws: Floats, images: int, looks: int = 1) -> Estimate:
    """Return a figure with its interval: its bootstrap deviation times Student's t.

    Where few images are wrong, what is resampled is those few, so that percentiles would be too narrow; t with one
    degree of freedom fewer than wrong images, and the deviation's own correction, widen them.

    Args:
        value: the figure.
        draws: the figure of each resample; NaN where it is undefined.
        images: wrong source images that it rests on, at least 2.
        looks: see ``Ranking.lead``.
    """
    from scipy.stats import t  # imported here: loading a bundle need not wait for it

    deviation = float(np.nanstd(draws)) * math.sqrt(images / (images - 1))
    reach = float(t.ppf(1 - (1 - LEVEL) / 2 / looks, images - 1)) * deviation
    return Estimate(value, value - reach, value + reach)
