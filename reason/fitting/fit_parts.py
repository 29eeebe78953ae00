"""Fit a Detector to a base classifier: signals from base-train, MetaNet from meta-fit, the rest from calibration."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from reason.base.arrays import ArrayBase
from reason.base.engines import Tapped
from reason.base.evidence import Labelled
from reason.base.extraction import Extractor
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.detector.calibration import Platt
from reason.detector.detector import Detector
from reason.detector.heads import ReliabilityHead
from reason.detector.heads.choice import ChoiceSettings, choose_head
from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.heads.metanet import fit as fit_metanet
from reason.detector.heads.record import ChoiceRecord
from reason.detector.latent import latent_of
from reason.detector.policy import DELTA
from reason.detector.provenance import Provenance
from reason.detector.recipe import GuaranteeSettings
from reason.errors import FitError
from reason.fitting.assemble import Calibrate, assemble
from reason.signals import SignalSet, SignalSettings, measured
from reason.structure import require

DEFAULT_SIGNALS = SignalSettings(families=("softmax", "dropout", "gradient", "neighbours", "layers", "embedding"))
DEFAULT_METANET = MetaNetSettings()

HeadKind = Literal["auto", "metanet", "logistic", "score"]
"""What ``fit_parts`` takes as ``head``."""


def fit_parts(
    name: str,
    base: Tapped | ArrayBase,
    preprocessing: Preprocessing,
    classes: Sequence[str],
    *,
    bank: ImageSet | Labelled,
    meta: ImageSet | Labelled,
    calibration: ImageSet | Labelled,
    signals: SignalSettings = DEFAULT_SIGNALS,
    head: HeadKind | ChoiceSettings = "metanet",
    metanet: MetaNetSettings = DEFAULT_METANET,
    risk: float = 0.05,
    delta: float = DELTA,
    seed: int = 0,
    calibrate: Calibrate = Platt.fit,
    architecture: str = "custom",
    arguments: Mapping[str, Any] | None = None,
    title: str = "",
    provenance: Provenance | None = None,
) -> Detector:
    """Fit everything that judges the predictions of a base classifier.

    The three sets must be disjoint, and the base classifier must not have trained on ``meta`` and ``calibration``: it
    makes almost no errors on images it has seen. Each may be given as images, or as their evidence where that has been
    extracted already. The same arguments give the same detector.

    Args:
        name: name of the detector, and of its bundle.
        base: frozen base classifier; ``reason.save`` wants its weights rounded, see ``Tapped.round_weights``.
        preprocessing: the base classifier's own.
        classes: class names in the order of the logits.
        bank: images that the base classifier trained on, of every class; the signals learn from them.
        meta: what the head learns from; a few hundred wrong predictions among them are a good start.
        calibration: what calibration, threshold and certificate come from, drawn as the images to be judged are.
        signals: which signals to compute, and their sizes.
        head: what judges the meta-vectors: a ``metanet``, the best ``logistic`` regression, a ``score`` of the
            literature, or, by ``auto``, whichever of them cross-validation on ``meta`` prefers, see
            ``reason.detector.heads.choice``; all but the first need the signals ``scores``. Or the rule itself.
        metanet: how to fit the MetaNet.
        risk: upper limit of the error rate among accepted predictions that the threshold shall guarantee, in (0, 1).
        delta: chance, over calibration draws, that the guarantee fails, in (0, 1).
        seed: seed of the MetaNet and of the latent map, at least 0; that of the signals is among their settings.
        calibrate: from logits of the head and outcomes ``[n]`` to the calibration.
        architecture: name in ``reason.base.backbones.ARCHITECTURES``, or ``custom``.
        arguments: what the architecture makes the same network from, beside classes, dropout and channels.
        title: one line that people read; the name by default.
        provenance: how it was made, to keep with the bundle.

    Returns:
        The detector. Where no threshold can guarantee the risk, it has no certificate, and its threshold is
        ``1 - risk``.

    Raises:
        SettingsError: a number is out of range, or the classes are not those of the network.
        FitError: a set is empty, has other labels or sizes than it should, or lacks correct or wrong predictions.
    """
    target = GuaranteeSettings(risk, delta)
    _check_head(head, signals)
    require(seed >= 0, "seed", f"must not be negative, as {seed} is.")
    outputs = base.classes
    require(len(classes) == outputs, "classes", f"are {len(classes)}, and the network has {outputs} outputs.")
    require(len(set(classes)) == outputs, "classes", "must have different names.")
    extract = extractor(base, preprocessing, signals)
    bank, meta, calibration = (
        _evidence(extract, part, title, outputs)
        for title, part in (("bank", bank), ("meta", meta), ("calibration", calibration))
    )
    signal_set = SignalSet.fit(signals, base.classifier_head(), base.taps, bank)
    fitted, choice = _fit_head(head, signal_set, meta, metanet, seed)
    return assemble(
        fitted,
        calibrate,
        signal_set.compute(calibration.evidence),
        calibration.correct,
        latent_of(calibration.evidence, signal_set.read_taps),
        target,
        seed,
        name=name,
        title=title or name,
        architecture=architecture,
        arguments=arguments or {},
        classes=tuple(classes),
        base=base,
        engine=base,
        preprocessing=preprocessing,
        signal_settings=signals,
        signals=signal_set,
        provenance=replace(provenance or Provenance(), choice=choice),
    )


def _check_head(head: HeadKind | ChoiceSettings, signals: SignalSettings) -> None:
    kind = head.kind if isinstance(head, ChoiceSettings) else head
    require(kind in typing.get_args(HeadKind), "head", f"must be auto, metanet, logistic or score, not {kind!r}.")
    unscored = head != "metanet" and "scores" not in signals.families
    require(not unscored, "signals.families", f"must name scores, which heads of the kind {kind} start from.")


def _fit_head(
    kind: HeadKind | ChoiceSettings, signals: SignalSet, meta: Labelled, settings: MetaNetSettings, seed: int
) -> tuple[ReliabilityHead, ChoiceRecord | None]:
    """Fit a head, and return it with the record of how it was chosen, where it was."""
    vectors = signals.compute(meta.evidence)
    if kind == "metanet":
        return fit_metanet(vectors, meta.correct, signals.raw, settings, seed), None
    rule = kind if isinstance(kind, ChoiceSettings) else ChoiceSettings(kind=kind, metanet=settings)
    choice = choose_head(vectors, meta.correct, meta.sources, meta.corruptions, signals, rule, seed)
    return choice.head, choice.record


def extractor(
    base: Tapped | ArrayBase, preprocessing: Preprocessing, signals: SignalSettings, cache: Path | None = None
) -> Extractor:
    """Return the extractor of what the signals read; see ``Extractor`` for the cache."""
    return Extractor(base, preprocessing, **measured(signals.requires), cache=cache)


def _evidence(extract: Extractor, part: ImageSet | Labelled, title: str, classes: int) -> Labelled:
    """Check one of the sets, and return its evidence; the bank needs neither gradient nor views."""
    if not len(part):
        raise FitError(f"{title}: holds no images.")
    lowest, highest = int(part.labels.min()), int(part.labels.max())
    if lowest < 0 or highest >= classes:
        raise FitError(f"{title}: labels must be from 0 to {classes - 1}, and go from {lowest} to {highest}.")
    if isinstance(part, Labelled):
        return part
    side, size = part.pixels.shape[-1], extract.preprocessing.size
    if side != size:
        raise FitError(f"{title}: its images are {side} pixels wide, and the preprocessing makes them {size}.")
    return extract(part, title, bare=title == "bank")
