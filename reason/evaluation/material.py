"""What a bundle is evaluated on, and evidence of what it learned from: by its recipe, or as it was fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from reason.base.evidence import Labelled, join
from reason.base.extraction import Extractor, batch_size_of
from reason.data.image_set import ImageSet
from reason.data.labelled import LabelledImages, open_labelled, overlapping
from reason.detector.detector import Detector
from reason.detector.fit_record import FitRecord
from reason.errors import BundleError
from reason.evaluation import splits
from reason.evaluation.splits import EvaluationProtocol
from reason.fitting.fit_run import copies_of
from reason.fitting.fitting_data import gather_bank, gather_meta, read_parts
from reason.fitting.labelled_parts import LabelledParts, sources_digest

MOST_IMAGES = 4000
"""Images of each part of labelled data that an evaluation decodes, at most, as all are in memory."""


@dataclass(frozen=True, slots=True)
class Material:
    """Images and evidence for one evaluation."""

    test: ImageSet
    """Clean images that nothing was fitted on."""
    train: Labelled
    """Evidence of the bank, without gradient or views."""
    meta: Labelled
    """Meta-fit evidence, copies and all."""


def of_recipe(detector: Detector, protocol: EvaluationProtocol, extractor: Extractor, data_root: Path) -> Material:
    """Read the data set of the recipe that made a bundle.

    Raises:
        BundleError: the train images are not those that the card tells of.
        DatasetError: the data set is missing.
    """
    test = splits.read_test(protocol, detector, data_root)
    parts = read_parts(detector, data_root)
    meta = gather_meta(extractor, parts, protocol.meta_fit, protocol.target, protocol.seed)
    return Material(test, gather_bank(extractor, parts), meta)


def of_fit(
    detector: Detector, record: FitRecord, extractor: Extractor, data: object, bank: object, test: object = None
) -> Material:
    """Open the data that a bundle was fitted to, and take its parts as the fit did.

    Args:
        detector: the bundle.
        record: how it was fitted.
        extractor: of its base classifier.
        data: what the fit was given, see ``reason.data.labelled.open_labelled``.
        bank: as in the fit; ``None`` without one.
        test: other labelled images to test on, opened as the data are; ``None`` takes those that the fit kept for it.

    Raises:
        BundleError: they are not those images, the bank is missing, or test images are among those of the fit.
        DatasetError: they cannot be read.
    """
    if record.own_bank and bank is None:
        raise BundleError(f"{detector.name}: was fitted with a bank of its own; name it by bank (--bank) too.")
    images = open_labelled(data, classes=detector.classes)
    others = None if bank is None else open_labelled(bank, classes=detector.classes)
    parts = LabelledParts.of(images, others, record.settings)
    for title, part, kept in (
        ("test", parts.test, record.test),
        ("meta-fit", parts.meta, record.meta),
        ("bank", parts.bank, record.bank),
    ):
        if sources_digest(part.sources) != kept.sources_sha256:
            raise BundleError(
                f"{detector.name}: its {title} images ({kept.n}) are not among these as the fit found them "
                f"({len(part)}); evaluate it on the data that it was fitted to."
            )
    meta = decoded(parts.meta, detector)
    return Material(
        test=decoded(parts.test if test is None else _others(detector, test, images, others), detector),
        train=extractor(decoded(parts.bank, detector), "bank", bare=True),
        meta=join([extractor(block, f"meta-fit, {title}") for title, block in _blocks(meta, record)]),
    )


def _others(detector: Detector, test: object, images: LabelledImages, bank: LabelledImages | None) -> LabelledImages:
    """Open test images that no fit has seen."""
    opened = open_labelled(test, classes=detector.classes)
    for title, part in (("data", images), ("bank", bank)):
        shared = () if part is None else overlapping(opened, part)
        if shared:
            raise BundleError(
                f"{detector.name}: {len(shared)} test images, such as {shared[0]}, are in the {title} that it was "
                "fitted to, where it would be flattered; take them out of the test images."
            )
    return opened


def _blocks(images: ImageSet, record: FitRecord) -> list[tuple[str, ImageSet]]:
    """Return the images and their corrupted copies, those of the fit."""
    blocks, copies = [("clean", images)], copies_of(record.settings)
    if copies is not None:
        for number in range(record.settings.copies):
            copied = copies.of(images.pixels, images.sources, number)
            named, severities = copied.corruptions, copied.severities
            made = replace(images, pixels=copied.pixels, corruptions=named, severities=severities)
            blocks.append((f"copy {number + 1}", made))
    return blocks


def decoded(images: LabelledImages, detector: Detector) -> ImageSet:
    """Return labelled images as a set in memory, at most ``MOST_IMAGES`` of them, spread evenly over the part."""
    if len(images) > MOST_IMAGES:
        images = images.take(torch.linspace(0, len(images) - 1, MOST_IMAGES).long())
    pixels: list[torch.Tensor] = []
    rows: list[torch.Tensor] = []
    skipped: list[str] = []
    for batch in images.batches(batch_size_of(detector.preprocessing.size**2), detector.preprocessing.pixels):
        skipped += batch.skipped
        if batch.pixels is not None:
            pixels.append(batch.pixels)
            rows.append(batch.rows)
    kept = torch.cat(rows)
    return ImageSet(
        pixels=torch.cat(pixels),
        classes=images.classes,
        skipped=tuple(skipped),
        labels=images.labels[kept],
        sources=tuple(images.sources[row] for row in kept.tolist()),
    )
