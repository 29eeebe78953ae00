"""Fit a Detector to a base classifier: signals from base-train, MetaNet from meta-fit, the rest from calibration."""

from __future__ import annotations

import torch

from reason.base.engines import Tapped
from reason.base.evidence import Labelled
from reason.base.head import head_of
from reason.data.images import Preprocessing
from reason.detector import metanet
from reason.detector.calibration import Platt
from reason.detector.detector import Detector
from reason.detector.latent import LatentMap, latent_of
from reason.detector.metanet import MetaNetSettings
from reason.detector.provenance import Provenance
from reason.detector.risk import CalibrationSample
from reason.signals import SignalSet, SignalSettings

DEFAULT_SIGNALS = SignalSettings(families=("softmax", "dropout", "gradient", "neighbours", "layers", "embedding"))
PLAIN_METANET = MetaNetSettings()


def fit(
    name: str,
    base: Tapped,
    preprocessing: Preprocessing,
    classes: tuple[str, ...],
    *,
    bank: Labelled,
    meta: Labelled,
    calibration: Labelled,
    signals: SignalSettings = DEFAULT_SIGNALS,
    metanet_settings: MetaNetSettings = PLAIN_METANET,
    risk: float = 0.05,
    delta: float = 0.05,
    seed: int = 0,
    architecture: str = "custom",
    title: str = "",
    provenance: Provenance | None = None,
) -> Detector:
    """Fit everything that judges a base classifier.

    The three sets must be disjoint, and the base classifier must not have trained on ``meta`` and ``calibration``: it
    makes almost no errors on images it has seen.

    Args:
        name: name of the detector, and of its bundle.
        base: frozen base classifier.
        preprocessing: the base classifier's own.
        classes: class names in the order of the logits.
        bank: base-train evidence; the PCA and the bank learn from it.
        meta: evidence that the MetaNet learns from.
        calibration: evidence that the calibration and the threshold come from.
        signals: which signals to compute.
        metanet_settings: how to fit the MetaNet.
        risk: selective risk that the threshold shall promise.
        delta: chance that the promise fails.
        seed: seed of the MetaNet.
        architecture: name in ``reason.base.backbones.ARCHITECTURES``, or ``custom``.
        title: one line that people read.
        provenance: how it was made, to keep with the bundle.

    Raises:
        FitError: meta-fit or calibration lacks correct or wrong predictions.
    """
    signal_set = SignalSet.fit(signals, head_of(base), base.taps, bank)
    net = metanet.fit(signal_set.compute(meta.evidence), meta.correct, signal_set.raw, metanet_settings, seed)
    with torch.no_grad():
        logits = net(signal_set.compute(calibration.evidence))
    platt = Platt.fit(logits, calibration.correct)
    reliability = platt(logits)
    sample = CalibrationSample(reliability.numpy(), calibration.correct.numpy())
    promise = sample.guarantee(risk, delta)
    latent = latent_of(calibration.evidence, signal_set.read_taps)
    return Detector(
        name=name,
        title=title or name,
        architecture=architecture,
        classes=classes,
        base=base,
        engine=base,
        preprocessing=preprocessing,
        signal_settings=signals,
        signals=signal_set,
        metanet=net,
        calibration=platt,
        # Without a promise, accept what is probably right more often than the risk that was asked for.
        threshold=promise.threshold if promise else 1 - risk,
        certificate=promise.certificate if promise else None,
        calibration_sample=sample,
        latent_map=LatentMap.fit(latent, reliability, calibration.correct, seed),
        provenance=provenance or Provenance(),
    )
