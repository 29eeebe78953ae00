"""How well a confidence score tells correct predictions from wrong ones, and how well a probability is calibrated.

Every function takes scores ``[n]``, larger = more trustworthy, and bool outcomes ``[n]``, True where the prediction is
right. Scores come from anywhere: nothing here knows a Detector. ``docs/metrics.md`` explains the conventions.
"""

from __future__ import annotations

from reason.metrics.bootstrap import interval_95, paired_bootstrap, resampled
from reason.metrics.calibration import accepted_accuracy, brier, ece, nll
from reason.metrics.clusters import cluster_weights, weighted_auroc
from reason.metrics.ranking import (
    RankingMetric,
    ap_error,
    ap_success,
    augrc,
    aurc,
    auroc,
    coverage_at_risk,
    e_aurc,
    fpr_at_95_tpr,
    report,
    risk_at_coverage,
    risk_coverage,
)

__all__ = [
    "RankingMetric",
    "accepted_accuracy",
    "ap_error",
    "ap_success",
    "augrc",
    "aurc",
    "auroc",
    "brier",
    "cluster_weights",
    "coverage_at_risk",
    "e_aurc",
    "ece",
    "fpr_at_95_tpr",
    "interval_95",
    "nll",
    "paired_bootstrap",
    "report",
    "resampled",
    "risk_at_coverage",
    "risk_coverage",
    "weighted_auroc",
]
