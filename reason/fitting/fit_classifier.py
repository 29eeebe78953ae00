"""``reason.fit``: from a trained classifier and labelled images to a Detector, whatever both are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from reason import progress
from reason.base.classifier import GRAPH, Classifier
from reason.base.device import choose, full_precision
from reason.data.images import Preprocessing
from reason.data.labelled import ProgressStore, open_labelled
from reason.detector.detector import Detector
from reason.detector.fit_record import FitSettings
from reason.errors import FitError
from reason.fitting.carried import carry
from reason.fitting.fit_run import FitRun, Fitted, copies_of
from reason.fitting.labelled_parts import LabelledParts
from reason.fitting.work_folder import WorkFolder
from reason.signals import SignalSettings
from reason.structure import plain

SHOWN = 5
"""Images that could not be decoded of which it is said why, at most."""


def fit(
    model: nn.Module | Classifier,
    data: object,
    *,
    preprocessing: Preprocessing | None = None,
    classes: Sequence[str] | Path | None = None,
    bank: object = None,
    name: str = "mine",
    title: str = "",
    risk: float | None = None,
    delta: float | None = None,
    seed: int | None = None,
    settings: FitSettings | None = None,
    head: str | None = None,
    taps: Sequence[str] | None = None,
    device: str = "cpu",
    work: Path | None = None,
    resume: bool = False,
) -> Detector:
    """Fit a Detector to a trained classifier; see ``fit_classifier``, which also returns what is to be said of it.

    Args:
        model: a network that maps standardised images ``[n, channels, h, w]`` to logits, or a ``Classifier``, such as
            ``reason.base.sources.resolve`` returns.
        data: labelled images that the classifier did not train on, see ``reason.data.labelled.open_labelled``; a
            thousand are a good start.
        preprocessing: how pictures become the network's input; a ``Classifier`` has its own.
        classes: names of the classes in the order of the logits, or a file of them; by default the classifier's own,
            else those of the data in the order of the alphabet.
        bank: images that the classifier trained on, opened as ``data`` is; without them a share of the data serves.
        name: name of the detector, and of its bundle.
        title: one line that people read; the name by default.
        risk: upper limit of the error rate among accepted predictions, in (0, 1); 0.05 by default.
        delta: chance, over calibration draws, that the guarantee fails, in (0, 1); 0.05 by default.
        seed: of the split and of every sample, at least 0; 0 by default.
        settings: all of them; the three above replace its own.
        head: dotted name of the network's last layer, whose input is the embedding; found by itself by default.
        taps: dotted names of further layers to read; found by themselves by default.
        device: where PyTorch runs the network: ``cpu``, ``cuda``, or ``auto`` for a GPU that is there.
        work: folder that keeps what was found of each chunk of images, so that a killed fit can be resumed.
        resume: go on in that folder where a killed fit of the same classifier, data and settings stopped.

    Returns:
        The detector. Where no threshold can guarantee the risk, it has no certificate, and its threshold is
        ``1 - risk``.

    Raises:
        SettingsError: a number is out of range, or there is no preprocessing.
        DatasetError: the images cannot be read, or their labels are not those of the classes.
        FitError: the classifier cannot be judged, bank and data share images, the classes are in another order, or
            all predictions are right, or all wrong.
        ConfigError: the device cannot be used.
    """
    asked: dict[str, Any] = {"risk": risk, "delta": delta, "seed": seed}
    chosen = replace(settings or FitSettings(), **{key: value for key, value in asked.items() if value is not None})
    if isinstance(model, Classifier):
        classifier = replace(model, preprocessing=preprocessing) if preprocessing else model
    elif preprocessing is None:
        raise FitError(
            "preprocessing: a bare network does not say how its pictures are prepared; give a Preprocessing."
        )
    else:
        classifier = Classifier(model, preprocessing, architecture=GRAPH)
    fitted = fit_classifier(
        classifier,
        data,
        classes=classes,
        bank=bank,
        name=name,
        title=title,
        settings=chosen,
        head=head,
        taps=taps,
        device=device,
        work=WorkFolder(work, resume),
    )
    for sentence in (*fitted.record.notes, *fitted.skipped[:SHOWN]):
        progress.say(f"note: {sentence}")
    return fitted.detector


def fit_classifier(
    classifier: Classifier,
    data: object,
    *,
    classes: Sequence[str] | Path | None = None,
    bank: object = None,
    name: str = "mine",
    title: str = "",
    settings: FitSettings,
    head: str | None = None,
    taps: Sequence[str] | None = None,
    device: str = "cpu",
    work: WorkFolder,
) -> Fitted:
    """Fit a Detector to a classifier, and say how it went; arguments and errors as in ``fit``."""
    where = choose(device)
    SignalSettings(settings.families)  # refuses names that are not known, before minutes of work
    copies_of(settings)
    order = classes if classes is not None else classifier.classes or None
    images = open_labelled(data, classes=order)
    others = None if bank is None else open_labelled(bank, classes=images.classes)
    work.claim(plain(settings), images.sources, None if others is None else others.sources)
    carried = carry(classifier, head, taps, where, work.folder)
    if carried.base.classes != len(images.classes):
        shown = ", ".join(images.classes[:5]) + (", ..." if len(images.classes) > 5 else "")
        raise FitError(
            f"the classifier has {carried.base.classes} outputs, and there are {len(images.classes)} classes "
            f"({shown}); give their names in the order of the outputs (--classes FILE)."
        )
    looked = ProgressStore(work.folder)
    skipped = [sentence for part in (images, others) if part is not None for sentence in looked.look(part)]
    with full_precision():
        return FitRun(carried, LabelledParts.of(images, others, settings), settings, work, skipped).run(name, title)
