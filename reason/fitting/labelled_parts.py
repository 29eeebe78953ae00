"""The parts of labelled images that a fit takes: bank, meta-fit, calibration and test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from reason.data.labelled import LabelledImages, overlapping, split_labelled
from reason.detector.fit_record import FitSettings, FittedPart
from reason.errors import FitError


@dataclass(frozen=True, slots=True)
class LabelledParts:
    """The disjoint parts of labelled images that a fit takes."""

    bank: LabelledImages
    """What signals learn of the classes from."""
    meta: LabelledImages
    """What the head learns from."""
    calibration: LabelledImages
    """What calibration and threshold come from."""
    test: LabelledImages
    """What nothing learns from."""
    own_bank: bool
    """Whether the bank was given apart from the data."""

    @classmethod
    def of(cls, images: LabelledImages, others: LabelledImages | None, settings: FitSettings) -> LabelledParts:
        """Split images as settings say; the same images and settings give the same parts.

        Args:
            images: the data.
            others: the bank; ``None`` takes a share of the data for it.
            settings: of the fit.

        Raises:
            FitError: bank and data share images, or a part is left without any.
        """
        if others is not None:
            shared = overlapping(images, others)
            if shared:
                raise FitError(
                    f"bank and data share {len(shared)} images, such as {shared[0]}: on images that it trained on a "
                    "classifier makes too few errors to learn from; take them out of the data."
                )
        bank, meta, calibration, test = split_labelled(images, settings.shares(others is not None), settings.seed)
        for title, part in (("meta-fit", meta), ("calibration", calibration), ("the test", test)):
            if not len(part):
                raise FitError(f"{len(images)} images leave none for {title}; give more, or other shares.")
        return cls(_some(others or bank, settings), meta, calibration, test, others is not None)


def _some(bank: LabelledImages, settings: FitSettings) -> LabelledImages:
    """Return at most ``bank_images`` of the bank, with the same share of each class."""
    if len(bank) <= settings.bank_images:
        return bank
    kept, _ = split_labelled(bank, (settings.bank_images / len(bank),), settings.seed)
    return kept


def fitted_part(sources: Sequence[str], correct: torch.Tensor) -> FittedPart:
    """Return what a bundle keeps of a part: its images by name, and whether each prediction is right, bool ``[n]``."""
    return FittedPart(len(sources), int((~correct).sum()), sources_digest(sources))


def sources_digest(sources: Sequence[str]) -> str:
    """Return a digest of names in their order."""
    return hashlib.sha256(json.dumps(list(sources)).encode()).hexdigest()
