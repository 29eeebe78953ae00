"""Signals of the input gradient: how easily small changes of the pixels change the answer."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence


class Gradient:
    """Sensitivity of the gap between the two largest logits to the input.

    - ``input_gradient_norm``: Euclidean norm of the gradient, in logits per standardised pixel unit; larger = less
      trustworthy at an equal gap.
    - ``boundary_distance``: gap over that norm, the first-order distance to the decision boundary in standardised
      pixel units (one step of DeepFool, Moosavi-Dezfooli et al. 2016); larger = more trustworthy.
    """

    group = "gradient"
    scalar = True
    names: tuple[str, ...] = ("input_gradient_norm", "boundary_distance")

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, 2]``.

        Raises:
            ValueError: the evidence was extracted without the gradient.
        """
        if evidence.gradient_norm is None:
            raise ValueError("the gradient signals need evidence that was extracted with gradient=True.")
        top = evidence.logits.topk(2, dim=1).values
        distance = (top[:, 0] - top[:, 1]) / evidence.gradient_norm.clamp(min=1e-12)
        return torch.stack([evidence.gradient_norm, distance], dim=1)
