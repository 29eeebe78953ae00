"""Scores of the class probabilities alone."""

from __future__ import annotations

import torch

from reason.evidence import Evidence


def msp(evidence: Evidence) -> torch.Tensor:
    """Return the maximum softmax probability ``max_k p_k`` ``[n]``, in (0, 1] (Hendrycks & Gimpel 2017).

    Computed in float64, in which saturated probabilities still differ.
    """
    return evidence.logits.double().softmax(dim=1).amax(dim=1)


def margin(evidence: Evidence) -> torch.Tensor:
    """Return the gap ``p_1 - p_2`` ``[n]`` between the two largest probabilities, in [0, 1]."""
    top = evidence.logits.double().softmax(dim=1).topk(2, dim=1).values
    return top[:, 0] - top[:, 1]


def negative_entropy(evidence: Evidence) -> torch.Tensor:
    """Return ``sum_k p_k ln p_k`` ``[n]`` in nats, in [-ln classes, 0]."""
    log_probabilities = evidence.logits.double().log_softmax(dim=1)
    return (log_probabilities.exp() * log_probabilities).sum(dim=1)
