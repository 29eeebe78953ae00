"""From the head's logit to a calibrated probability."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from reason.errors import FitError


@dataclass(frozen=True, slots=True)
class Platt:
    """Platt scaling (Platt 1999): ``reliability = sigmoid(slope * logit + intercept)``."""

    slope: float
    """Positive, so that the order of the logits is kept."""
    intercept: float

    @classmethod
    def fit(cls, logits: torch.Tensor, correct: torch.Tensor) -> Platt:
        """Fit by maximum likelihood on images that neither base nor head learned from.

        Args:
            logits: those of the reliability head ``[n]``.
            correct: bool ``[n]``.

        Raises:
            FitError: one outcome is missing, or larger logits do not go with more correct predictions.
        """
        from sklearn.linear_model import LogisticRegression  # imported here: loading a bundle need not wait for it

        if correct.all() or not correct.any():
            raise FitError("calibration needs correct and wrong predictions among the calibration images.")
        model = LogisticRegression(C=1e6).fit(logits.double().numpy()[:, None], correct.numpy())
        slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
        if slope <= 0:
            raise FitError("the head ranks the calibration images no better than chance; fit it on more images.")
        return cls(slope, intercept)

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """Return reliabilities ``[n]`` in [0, 1]."""
        return torch.sigmoid(self.slope * logits + self.intercept)
