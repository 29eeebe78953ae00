"""Training the classifiers and saving them as users have them, each once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.any_classifier import photos
from benchmarks.any_classifier.classifiers import DIGITS, EASY_PHOTOS, PHOTOS, Case
from benchmarks.any_classifier.photos import TRAIN, Images
from benchmarks.any_classifier.training import train

MARK = "classifier.json"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A trained classifier in a folder of its own, with tables of images beside it."""

    case: Case
    folder: Path
    spec: str
    """What ``--classifier`` is to be, in this folder."""
    trained_on: int
    """Number of images."""


def images_of(case: Case, root: Path, work: Path) -> Images:
    """Return what a classifier is trained and judged on."""
    if case.images == DIGITS:
        return photos.digits(root, work / "digits")
    return {PHOTOS: photos.photos, EASY_PHOTOS: photos.easy_photos}[case.images](root)


def prepare(case: Case, images: Images, work: Path) -> Prepared:
    """Train and save a classifier, unless that was done before."""
    folder = work / "classifiers" / case.name.replace(" ", "-").replace(",", "")
    mark = folder / MARK
    if not mark.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps(_made(case, images, folder, work / "pixels")))
    content: dict[str, Any] = json.loads(mark.read_text())
    return Prepared(case, folder, content["spec"], content["trained_on"])


def _made(case: Case, images: Images, folder: Path, cache: Path) -> dict[str, Any]:
    torch.manual_seed(0)
    network, most = case.make(), case.schedule.images
    if case.schedule.epochs:
        pixels, labels = images.tensors(TRAIN, case.preprocessing, cache)
        train(network, pixels[:most], labels[:most], case.preprocessing, case.schedule)
    count = min(most, len(images.parts[TRAIN]))
    return {"spec": case.save(network.eval(), folder, case.preprocessing), "trained_on": count}
