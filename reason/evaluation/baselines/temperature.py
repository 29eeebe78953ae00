"""The maximum softmax probability after temperature scaling."""

from __future__ import annotations

import math
from typing import Self

import torch
from scipy.optimize import minimize_scalar
from torch.nn import functional

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, ScoreContext, fitted

TEMPERATURES = (0.01, 100.0)
"""Range in which the temperature is sought."""


@SCORES.register
class TemperatureScaledMsp(ConfidenceScore):
    """Maximum of ``softmax(z / T)``, in (0, 1]; T minimises the NLL of the true class on meta-fit (Guo et al. 2017)."""

    name = "MSP with temperature"
    learns_from = frozenset({"meta"})

    def __init__(self) -> None:
        self.temperature_: float | None = None

    def fit(self, context: ScoreContext) -> Self:
        """Find the temperature on meta-fit; the loss has one minimum, since it is convex in 1 / T."""
        logits = context.meta.evidence.logits.double()

        def loss(log_temperature: float) -> float:
            return float(functional.cross_entropy(logits / math.exp(log_temperature), context.meta.labels))

        low, high = map(math.log, TEMPERATURES)
        found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
        self.temperature_ = math.exp(found.x)
        return self

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy."""
        scaled = evidence.logits.double() / fitted(self.temperature_, self.name)
        return scaled.softmax(dim=1).amax(dim=1)
