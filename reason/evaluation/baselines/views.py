"""Test-time augmentation."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence
from reason.evaluation.baselines.base import SCORES, ConfidenceScore, probabilities
from reason.signals import Requirement


@SCORES.register
class MeanOverViews(ConfidenceScore):
    """Probability of the predicted class, mean over the picture and its views, in [0, 1] (Ayhan & Berens 2018)."""

    name = "mean over views"
    requires = frozenset({Requirement.VIEWS})

    def score(self, evidence: Evidence) -> torch.Tensor:
        """Return float64 ``[n]``, larger = more trustworthy.

        Raises:
            ValueError: the evidence was extracted without the views.
        """
        if not evidence.views:
            raise ValueError(f"the baseline {self.name} needs evidence that was extracted with views=True.")
        looks = [evidence, *evidence.views.values()]
        mean = torch.stack([probabilities(look) for look in looks]).mean(dim=0)
        return mean.gather(1, evidence.predicted[:, None])[:, 0]
