"""One fit of a detector to a trained classifier, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from reason import progress
from reason.base.evidence import Labelled
from reason.data.labelled import Copies
from reason.detector.calibration import Platt, tells_slope
from reason.detector.detector import Detector
from reason.detector.fit_record import FitRecord, FitSettings, FittedPart
from reason.detector.heads.choice import ChoiceSettings, HeadChoice, choose_head
from reason.detector.provenance import Provenance
from reason.detector.recipe import GuaranteeSettings
from reason.errors import FitError
from reason.fitting import checks
from reason.fitting.assemble import assemble
from reason.fitting.carried import Carried
from reason.fitting.labelled_parts import LabelledParts, fitted_part
from reason.fitting.measuring import TestResult, measure
from reason.fitting.streamed import Streamed, Vectors
from reason.fitting.work_folder import WorkFolder
from reason.signals import FAMILIES, Requirement, SignalSet, SignalSettings

FEWEST_PER_CLASS = 2
"""Bank images of each class that distances to the classes take."""

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


def copies_of(settings: FitSettings) -> Copies | None:
    """Return how the copies of a fit are corrupted; ``None`` where there are none.

    Raises:
        CorruptionError: a corruption is unknown.
    """
    return Copies(settings.corruptions, settings.seed) if settings.corruptions and settings.copies else None


class FitRun:
    """One fit, stage by stage.

    Args:
        carried: the classifier with what runs it.
        parts: of the images.
        settings: of the fit.
        work: folder that keeps what was found.
        skipped: a sentence for each image that could not be decoded.
    """

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
        """Fit signals, head, calibration and threshold, and measure them on the test part.

        Args:
            name: of the detector.
            title: one line that people read; the name where it is empty.

        Raises:
            FitError: the classes stand in another order, or all predictions are wrong.
        """
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
        """Yield the families that the classifier gives what they need; why others are left out is among the notes."""
        carried, head = self._carried, self._carried.base.classifier_head()
        given = {
            Requirement.HEAD: head.weight is not None,
            Requirement.GRADIENT: carried.gradient,
            Requirement.VIEWS: carried.any_size,
        }
        fewest = int(torch.bincount(bank.labels, minlength=len(classes)).min())
        for name in self._settings.families:
            if not all(given.get(need, True) for need in FAMILIES[name].requires):
                continue  # the notes of the classifier say so
            if name == "dropout" and not head.dropout:
                self._notes.append("The classifier has no dropout before its head; the dropout signals are left out.")
            elif name == "layers" and fewest < FEWEST_PER_CLASS:
                self._notes.append(
                    f"The bank has fewer than {FEWEST_PER_CLASS} images of a class; the signals of layers are left out."
                )
            else:
                yield name

    def _choose(self, meta: Vectors, signals: SignalSet) -> HeadChoice:
        right = meta.correct[meta.clean]
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
            meta=_part(meta),
            calibration=_part(calibration),
            test=_part(test),
            skipped=len(self._skipped),
            notes=tuple(self._notes),
        )

    def _calibrate(self, logits: torch.Tensor, correct: torch.Tensor) -> Platt:
        if not tells_slope(correct):
            errors = f"{int((~correct).sum())} of {len(correct)}"
            self._notes.append(
                f"{errors} calibration predictions are wrong, too few to tell a slope: reliability is the head's own "
                "probability, shifted to the accuracy seen."
            )
        return Platt.fit_or_shift(logits, correct)

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


def _part(found: Vectors) -> FittedPart:
    """Return what a bundle keeps of a part, whose images themselves come before their copies."""
    return fitted_part(found.sources[: int(found.clean.sum())], found.correct[found.clean])
