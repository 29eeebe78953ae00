"""``reason.fit``: from a trained classifier and labelled images to a Detector, whatever both are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reason import progress
from reason.base.classifier import GRAPH, Classifier
from reason.base.device import choose, full_precision
from reason.base.evidence import Labelled
from reason.data.images import Preprocessing
from reason.data.labelled import Copies, ProgressStore, open_labelled
from reason.data.labels import CLEAN
from reason.detector.calibration import Platt
from reason.detector.detector import Detector
from reason.detector.fit_record import FitRecord, FitSettings
from reason.detector.heads.choice import ChoiceSettings, HeadChoice, choose_head
from reason.detector.provenance import Provenance
from reason.detector.recipe import GuaranteeSettings
from reason.errors import FitError
from reason.fitting import checks
from reason.fitting.assemble import assemble
from reason.fitting.carried import Carried, carry
from reason.fitting.labelled_parts import LabelledParts, fitted_part
from reason.fitting.measuring import TestResult, measure
from reason.fitting.streamed import Streamed, Vectors
from reason.fitting.work_folder import WorkFolder
from reason.signals import FAMILIES, Requirement, SignalSet, SignalSettings
from reason.structure import plain

FEWEST_PER_CLASS = 2
"""Bank images of each class that distances to the classes take."""

FEWEST_ERRORS = 5
"""Wrong calibration predictions that the slope of the calibration takes."""

TEST_COPIES = 1
"""Corrupted copies of each test image."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A detector, and what is to be said of how it came about."""

    detector: Detector
    record: FitRecord
    tests: dict[str, TestResult]
    """By split of the test images, clean first."""
    skipped: tuple[str, ...]
    """A sentence for each image that could not be decoded."""


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
    return fit_classifier(
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
    ).detector


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
        return _Fit(carried, LabelledParts.of(images, others, settings), settings, work, skipped).run(name, title)


def copies_of(settings: FitSettings) -> Copies | None:
    """Return how the copies of a fit are corrupted; ``None`` where there are none.

    Raises:
        CorruptionError: a corruption is unknown.
    """
    return Copies(settings.corruptions, settings.seed) if settings.corruptions and settings.copies else None


class _Fit:
    """One fit, stage by stage."""

    def __init__(
        self,
        carried: Carried,
        parts: LabelledParts,
        settings: FitSettings,
        work: WorkFolder,
        skipped: Sequence[str],
    ) -> None:
        self._carried, self._parts, self._settings, self._work = carried, parts, settings, work
        self._skipped = tuple(skipped)
        self._streamed = Streamed(carried.engine, carried.preprocessing, work.folder)
        self._notes = list(carried.notes)

    def run(self, name: str, title: str) -> Fitted:
        parts, settings = self._parts, self._settings
        bank = self._streamed.evidence(parts.bank, ("mean",), "bank")
        classes = parts.bank.classes
        checks.check_order(bank, classes)
        self._notes += checks.doubts(bank, classes)
        chosen = self._signal_settings(bank, classes)
        base = self._carried.base
        signals = SignalSet.fit(chosen, base.classifier_head(), base.taps, bank)
        copies = copies_of(settings)
        meta = self._streamed.vectors(parts.meta, signals, "meta-fit", copies, settings.copies)
        choice = self._choose(meta, signals)
        calibration = self._streamed.vectors(parts.calibration, signals, "calibration")
        test = self._streamed.vectors(parts.test, signals, "test", copies, TEST_COPIES)
        named = {"name": name, "title": title or name, "signal_settings": chosen, "signals": signals}
        detector = self._assemble(choice, calibration, **named, provenance=Provenance())
        tests = measure(detector, test)
        figures = {split: result.to_json() for split, result in tests.items()}
        record = self._record(bank, meta, calibration, test)
        made = Provenance(fit=record, choice=choice.record, metrics=figures, created=self._work.started)
        return Fitted(replace(detector, provenance=made), record, tests, self._skipped)

    def _signal_settings(self, bank: Labelled, classes: Sequence[str]) -> SignalSettings:
        return SignalSettings(
            tuple(self._available(bank, classes)),
            neighbours=min(self._settings.neighbours, len(bank)),
            bank_images=self._settings.bank_images,
            seed=self._settings.seed,
        )

    def _available(self, bank: Labelled, classes: Sequence[str]) -> Iterator[str]:
        """Yield the families that the classifier gives what they need; of the others it is said why they drop out."""
        for name in self._settings.families:
            lacks = self._lacks(FAMILIES[name].requires)
            fewest = int(torch.bincount(bank.labels, minlength=len(classes)).min())
            if not lacks and name == "layers" and fewest < FEWEST_PER_CLASS:
                lacks = f"needs {FEWEST_PER_CLASS} bank images of every class"
            if lacks:
                self._notes.append(f"signals {name} drop out: it {lacks}.")
            else:
                yield name

    def _lacks(self, requires: frozenset[Requirement]) -> str:
        """Return in words what is missing; empty where nothing is."""
        carried, head = self._carried, self._carried.base.classifier_head()
        missing = {
            Requirement.HEAD: ""
            if head.weight is not None and head.dropout
            else "needs a linear head behind a dropout",
            Requirement.GRADIENT: "" if carried.gradient else "needs the input gradient, which is not there",
            Requirement.VIEWS: "" if carried.any_size else "needs a classifier that takes smaller pictures too",
        }
        return next((words for need, words in missing.items() if need in requires and words), "")

    def _choose(self, meta: Vectors, signals: SignalSet) -> HeadChoice:
        clean = [name == CLEAN for name in meta.corruptions]
        right = meta.correct[torch.tensor(clean)]
        if not bool(meta.correct.any()):
            raise FitError(
                "all predictions are wrong: the classes are not those of the classifier, or not its pictures."
            )
        self._notes += checks.rough("meta-fit", len(right), int((~right).sum()))
        choice = choose_head(
            meta.vectors,
            meta.correct,
            meta.sources,
            meta.corruptions,
            signals,
            ChoiceSettings(),
            self._settings.seed,
        )
        progress.say(f"head: {choice.record.chosen}; {choice.record.why}")
        return choice

    def _record(self, bank: Labelled, meta: Vectors, calibration: Vectors, test: Vectors) -> FitRecord:
        return FitRecord(
            settings=self._settings,
            own_bank=self._parts.own_bank,
            bank=fitted_part(bank.sources, bank.correct),
            **{
                title: fitted_part(part.sources[: int(clean.sum())], part.correct[clean])
                for title, part in (("meta", meta), ("calibration", calibration), ("test", test))
                for clean in [torch.tensor([name == CLEAN for name in part.corruptions])]
            },
            skipped=len(self._skipped),
            notes=tuple(self._notes),
        )

    def _calibrate(self, logits: torch.Tensor, correct: torch.Tensor) -> Platt:
        errors = int((~correct).sum())
        if errors >= FEWEST_ERRORS and bool(correct.any()):
            return Platt.fit(logits, correct)
        self._notes.append(
            f"{errors} of {len(correct)} calibration predictions are wrong, too few to tell a slope: reliability is "
            "the head's own probability, shifted to the accuracy seen."
        )
        return Platt.shifted(logits, correct)

    def _assemble(self, choice: HeadChoice, calibration: Vectors, **parts: Any) -> Detector:
        carried, settings = self._carried, self._settings
        return assemble(
            choice.head,
            self._calibrate,
            calibration.vectors,
            calibration.correct,
            calibration.latent,
            GuaranteeSettings(settings.risk, settings.delta),
            settings.seed,
            architecture=carried.architecture,
            arguments=carried.arguments,
            head_module=carried.head_module,
            classes=self._parts.meta.classes,
            base=carried.base,
            engine=carried.engine,
            preprocessing=carried.preprocessing,
            **parts,
        )
