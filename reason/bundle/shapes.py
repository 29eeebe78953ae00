"""What the card's numbers must be to each other: checked on the card alone, before any file is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from reason.base.engines import Tapped
from reason.base.taps import Tap
from reason.bundle.card import Card, FileSeal
from reason.bundle.faults import broken
from reason.bundle.folders import BANK, BASE, CARD, LAYERS, MAP, META, PCA, SAMPLE, SUFFIX
from reason.bundle.tensors import DTYPES, described
from reason.detector.metanet import MetaNet
from reason.signals.layers import EMBEDDING

LARGEST_SIZE = 1024
"""Largest side of the base classifier's input, in pixels."""

MOST_SAMPLED_WEIGHTS = 2**26
"""Largest number of head weights over all dropout masks, which are kept in memory."""

CLASSES = "classes"
"""Array beside the MetaNet's that repeats the names of the classes, so that the card alone cannot rename them."""

Dimensions = dict[str, int]
Pattern = Mapping[str, tuple[str, *tuple[str, ...]]]
"""For each array its type of numbers and the name of each dimension."""

FITTED: dict[str, Pattern] = {
    PCA: {
        "mean": ("F32", "features"),
        "components": ("F32", "components", "features"),
        "deviation": ("F32", "components"),
    },
    BANK: {
        "stored": ("F16", "images", "coordinates"),
        "labels": ("I64", "images"),
        "sources": ("U8", "images", "text"),
    },
    SAMPLE: {"reliability": ("F32", "images"), "correct": ("BOOL", "images")},
    MAP: {
        "mean": ("F32", "latent"),
        "components": ("F32", "two", "latent"),
        "explained_variance": ("F32", "two"),
        "points": ("F32", "points", "two"),
        "failure_probability": ("F32", "points"),
        "correct": ("BOOL", "points"),
    },
}

LAYER: Pattern = {
    "mean": ("F32", "channels"),
    "components": ("F16", "components", "channels"),
    "centres": ("F32", "classes", "components"),
    "whitening": ("F32", "components", "rank"),
    "centre": ("F32", "one", "components"),
    "background": ("F32", "components", "background_rank"),
}


class CardChecks:
    """Compares the parts of one card with each other and with the base classifier that it names.

    Args:
        folder: where the card lies, for messages.
        card: the card.
        base: a base classifier of the card's architecture; its weights are not read.
    """

    def __init__(self, folder: Path, card: Card, base: Tapped) -> None:
        self._path, self._card, self._base = folder / CARD, card, base
        self._features = base.head.in_features

    def check(self) -> None:
        """Raise a ``BundleError`` that names the first two things that do not fit each other."""
        self._check_numbers()
        self._check_files()
        self._check_base()
        self._check_metanet()
        for name in (PCA, BANK, SAMPLE, MAP):
            if name in self._card.files:
                self._fit(name, FITTED[name])
        self._check_bank()
        if LAYERS in self._card.files:
            self._check_layers()

    def _check_numbers(self) -> None:
        card, image, signals = self._card, self._card.preprocessing, self._card.signals
        sampled = signals.dropout_samples * len(card.classes) * self._features
        rules = {
            f"preprocessing.size must be in 1 to {LARGEST_SIZE}, not {image.size}": 1 <= image.size <= LARGEST_SIZE,
            "preprocessing.std must be in 0.000001 to 1000000": all(1e-6 <= std <= 1e6 for std in image.std),
            "preprocessing.mean must be in -1000 to 1000": all(abs(mean) <= 1000 for mean in image.mean),
            "the classes have a name twice": len(set(card.classes)) == len(card.classes),
            "signals.seed must be below 2**63": signals.seed < 2**63,
            f"signals.dropout_samples takes more than {MOST_SAMPLED_WEIGHTS} weights": sampled <= MOST_SAMPLED_WEIGHTS,
            f"the head has {self._base.head.out_features} rows for {len(card.classes)} classes": (
                self._base.head.out_features == len(card.classes)
            ),
            "metanet.scalar_members exceeds its members": card.metanet.scalar_members <= card.metanet.members,
        }
        for fault, holds in rules.items():
            if not holds:
                raise broken(self._path, fault)

    def _check_files(self) -> None:
        files = self._card.files
        for name in (BASE, META):
            if name not in files:
                raise broken(self._path, f"does not list {name}")
        for name in files:
            if not name.endswith(SUFFIX) or Path(name).name != name:
                raise broken(self._path, f"lists {name[:80]}, which is no file of a bundle")
        if self._card.certificate is not None and SAMPLE not in files:
            raise broken(self._path, "there is a certificate, but no calibration sample to check it by")

    def _check_base(self) -> None:
        expected = {
            name: described("F16" if tensor.is_floating_point() else DTYPES[tensor.dtype], tensor.shape)
            for name, tensor in self._base.network.state_dict().items()
        }
        self._compare(BASE, expected, f"architecture {self._card.architecture!r}")

    def _check_metanet(self) -> None:
        net = unfitted_metanet(self._card)
        expected = {name: described(DTYPES[tensor.dtype], tensor.shape) for name, tensor in net.state_dict().items()}
        seal = self._card.files[META]
        rest = {name: array for name, array in seal.arrays.items() if name != CLASSES}
        self._compare(META, expected, "the card's metanet and meta_names", rest)
        only_names = FileSeal(sha256=seal.sha256, bytes=seal.bytes, arrays={CLASSES: seal.arrays.get(CLASSES, "U8[]")})
        self._match(META, {CLASSES: ("U8", "classes", "text")}, only_names, self._known())

    def _check_bank(self) -> None:
        bank, pca = self._card.files.get(BANK), self._card.files.get(PCA)
        if bank is None or pca is None:
            return
        (images, columns), components = bank.shape("stored") or (0, 0), (pca.shape("components") or (0,))[0]
        if columns not in (components, components + 1):
            raise broken(self._path, f"{BANK} has {columns} columns for {components} components of {PCA}")
        if images > self._card.signals.bank_images:
            raise broken(self._path, f"{BANK} has more images than signals.bank_images")

    def _check_layers(self) -> None:
        seal, widths = self._card.files[LAYERS], layer_widths(self._base.taps, self._features)
        listed = {name.rpartition(".")[0] for name in seal.arrays}
        if listed != set(widths):
            raise broken(self._path, f"{LAYERS} has layers other than {', '.join(widths)}")
        for layer, channels in widths.items():
            pattern = {f"{layer}.{name}": dimensions for name, dimensions in LAYER.items()}
            arrays = {name: array for name, array in seal.arrays.items() if name.rpartition(".")[0] == layer}
            part = FileSeal(sha256=seal.sha256, bytes=seal.bytes, arrays=arrays)
            self._match(LAYERS, pattern, part, self._known() | {"channels": channels})

    def _fit(self, name: str, pattern: Pattern) -> None:
        self._match(name, pattern, self._card.files[name], self._known())

    def _known(self) -> Dimensions:
        return {
            "classes": len(self._card.classes),
            "features": self._features,
            "one": 1,
            "two": 2,
        }

    def _compare(
        self, name: str, expected: Mapping[str, str], owner: str, found: Mapping[str, str] | None = None
    ) -> None:
        arrays = self._card.files[name].arrays if found is None else found
        for key in [*expected, *arrays]:
            if expected.get(key) != arrays.get(key):
                here, there = arrays.get(key, "none"), expected.get(key, "none")
                raise broken(
                    self._path.with_name(name), f"does not fit {owner} ({key[:80]} is {here} instead of {there})"
                )

    def _match(self, name: str, pattern: Pattern, seal: FileSeal, known: Dimensions) -> None:
        """Compare types and shapes with a pattern; a dimension that is not known yet is what it is found to be."""
        path, sizes = self._path.with_name(name), dict(known)
        if seal.arrays.keys() != pattern.keys():
            raise broken(path, f"has arrays other than {', '.join(pattern)}")
        for key, (dtype, *dimensions) in pattern.items():
            array, shape = seal.arrays[key], seal.shape(key) or ()
            if array.partition("[")[0] != dtype or len(shape) != len(dimensions) or 0 in shape:
                raise broken(path, f"{key} is {array} instead of {dtype}[{','.join(dimensions)}]")
            for dimension, size in zip(dimensions, shape, strict=True):
                if sizes.setdefault(dimension, size) != size:
                    raise broken(path, f"{key} is {array}, but {dimension} is {sizes[dimension]}")


def unfitted_metanet(card: Card) -> MetaNet:
    """Return a MetaNet of the card's shape, without memory for its weights."""
    with torch.device("meta"):
        return MetaNet(len(card.meta_names), **card.metanet.model_dump())


def layer_widths(taps: tuple[Tap, ...], features: int) -> dict[str, int]:
    """Return the channels of each layer that the ``layers`` signals measure, in their order."""
    return {tap.name: tap.channels for tap in taps if tap.maps} | {EMBEDDING: features}
