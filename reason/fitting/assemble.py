"""From fitted signals and a head to a Detector: calibration, threshold and certificate, and the map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from reason.detector.calibration import Platt
from reason.detector.detector import Detector
from reason.detector.heads import ReliabilityHead
from reason.detector.latent import LatentMap
from reason.detector.recipe import GuaranteeSettings
from reason.detector.risk import CalibrationSample

Calibrate = Callable[[torch.Tensor, torch.Tensor], Platt]
"""``calibrate(logits, correct)``."""


def assemble(
    head: ReliabilityHead,
    calibrate: Calibrate,
    vectors: torch.Tensor,
    correct: torch.Tensor,
    latent: torch.Tensor,
    target: GuaranteeSettings,
    seed: int,
    **parts: Any,
) -> Detector:
    """Calibrate a head, certify a threshold, draw the map, and put a detector together.

    Args:
        head: fitted on other images.
        calibrate: ``calibrate(logits, correct)``, such as ``Platt.fit``.
        vectors: meta-vectors of the calibration images ``[n, columns]``.
        correct: whether their predictions are right, bool ``[n]``.
        latent: what the map is drawn of, of the first ``m`` of them ``[m, features]``.
        target: what the threshold shall guarantee.
        seed: chooses the points of the map.
        parts: the other fields of ``Detector``.

    Returns:
        The detector. Where no threshold can guarantee the risk, it has no certificate, and its threshold is
        ``1 - risk``.
    """
    with torch.no_grad():
        logits = head(vectors)
    platt = calibrate(logits, correct)
    reliability = platt(logits)
    sample = CalibrationSample(reliability.numpy(), correct.numpy())
    guarantee = sample.guarantee(target.risk, target.delta)
    shown = len(latent)
    return Detector(
        head=head,
        calibration=platt,
        threshold=guarantee.threshold if guarantee else 1 - target.risk,
        certificate=guarantee.certificate if guarantee else None,
        calibration_sample=sample,
        latent_map=LatentMap.fit(latent, reliability[:shown], correct[:shown], seed),
        **parts,
    )
