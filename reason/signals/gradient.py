"""Signals of the input gradient: how easily small changes of the pixels change the prediction."""

from __future__ import annotations

import torch

from reason.base.evidence import Evidence
from reason.signals.base import Column, Requirement, SignalFamily
from reason.signals.registry import FAMILIES


@FAMILIES.register
class Gradient(SignalFamily):
    """Sensitivity of the gap between the two largest logits to the input.

    - ``input_gradient_norm``: Euclidean norm of the gradient, in logits per standardised pixel unit; larger = less
      trustworthy at an equal gap, no direction by itself.
    - ``boundary_distance``: gap over that norm, the first-order distance to the decision boundary in standardised
      pixel units (one step of DeepFool, Moosavi-Dezfooli et al. 2016); larger = more trustworthy.
    """

    name = "gradient"
    title = "Input gradient"
    help = "How strongly the prediction reacts to small changes of the pixels."
    requires = frozenset({Requirement.GRADIENT})
    columns = (
        Column(
            "input_gradient_norm",
            "Input sensitivity",
            "logits/pixel",
            "none",
            "How strongly the logit gap reacts to small changes of the pixels; at an equal gap, large means fragile.",
        ),
        Column(
            "boundary_distance",
            "Distance to the boundary",
            "pixels",
            "trust",
            "How far the pixels would have to move, to first order, before another class wins.",
        ),
    )

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
