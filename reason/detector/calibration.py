"""From the head's logit to a calibrated probability."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from reason.errors import FitError

FEWEST_ERRORS = 5
"""Wrong calibration predictions that a slope can be told from."""


def tells_slope(correct: torch.Tensor) -> bool:
    """Return whether a slope can be told from these outcomes, bool ``[n]``: enough are wrong, and one is right."""
    return int((~correct).sum()) >= FEWEST_ERRORS and bool(correct.any())


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

    @classmethod
    def fit_or_shift(cls, logits: torch.Tensor, correct: torch.Tensor) -> Platt:
        """Return ``fit`` where ``tells_slope``, else ``shifted``; arguments and errors as there."""
        return cls.fit(logits, correct) if tells_slope(correct) else cls.shifted(logits, correct)

    @classmethod
    def shifted(cls, logits: torch.Tensor, correct: torch.Tensor) -> Platt:
        """Fit the intercept alone, at slope 1: for so few wrong predictions that a slope cannot be told from them.

        The mean reliability becomes ``(right + 1) / (n + 2)``, Laplace's rule of succession, so that no finite number
        of right predictions makes the classifier faultless.

        Args:
            logits: those of the reliability head ``[n]``, at least one.
            correct: bool ``[n]``.
        """
        from scipy.optimize import brentq
        from scipy.special import expit

        values = logits.double().numpy()
        wanted = (int(correct.sum()) + 1) / (len(correct) + 2)
        reach = float(abs(values).max()) + 50
        return cls(1.0, float(brentq(lambda shift: expit(values + shift).mean() - wanted, -reach, reach)))

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """Return reliabilities ``[n]`` in [0, 1]."""
        return torch.sigmoid(self.slope * logits + self.intercept)
