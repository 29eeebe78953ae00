"""Reliability heads: what turns a meta-vector into one number, the logit of P(correct) before calibration.

A head is a score of the literature (``Score``), a logistic regression (``Logistic``) or a small network (``MetaNet``);
``HEADS`` has them by kind, from the simplest to the most complex.
"""

from __future__ import annotations

from collections.abc import Mapping

from reason.detector.heads.base import ReliabilityHead
from reason.detector.heads.logistic import Logistic
from reason.detector.heads.metanet import MetaNet
from reason.detector.heads.score import Score

HEADS: Mapping[str, type[ReliabilityHead]] = {head.kind: head for head in (Score, Logistic, MetaNet)}
"""By kind, as cards and ``reason.fit`` name them."""

__all__ = ["HEADS", "Logistic", "MetaNet", "ReliabilityHead", "Score"]
