"""What the card's numbers must be to each other: checked on the card alone, before any file is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reason.base.base import BaseClassifier
from reason.base.engines.choice import RUNTIMES
from reason.base.engines.sizes import FaultError
from reason.base.graphs.base import GraphBase
from reason.base.graphs.outputs import HEAD_BIAS, HEAD_WEIGHT
from reason.bundle.base import without_memory
from reason.bundle.card import Card, MetaNetShape
from reason.bundle.faults import broken
from reason.bundle.folders import BASE, BF16_SAMPLE, CARD, GRAPH, MAP, META, SAMPLE, SUFFIX
from reason.bundle.tensors import DTYPES, described, parsed
from reason.detector.heads import HEADS, ReliabilityHead
from reason.errors import BundleError, ReasonError
from reason.signals import Layout, Part, SignalFamily
from reason.signals.settings import MOST_IMAGES
from reason.signals.texts import LONGEST

SIZES = (8, 1024)
"""Smallest and largest side of the base classifier's input, in pixels; of smaller ones its poolings leave nothing."""

MOST_SAMPLED_WEIGHTS = 2**26
"""Largest number of head weights over all dropout masks, which are kept in memory."""

MOST_BYTES = 2**30
"""Largest size of all files together but the weights of the base classifier, which are of its network's shapes."""

MOST_TAPPED = 100_000
"""Largest number of pooled outputs of all taps: each can be a column."""

LONGEST_TAP = 200
"""Most letters of the name of a tap, which its columns repeat."""

CLASSES = "classes"
"""Array beside the head's that repeats the names of the classes, so that the card alone cannot rename them."""

MOST: Mapping[str, int] = {"images": MOST_IMAGES, "points": MOST_IMAGES, "bytes": LONGEST, "text": LONGEST}
"""Largest sizes of dimensions that nothing else bounds."""

FITTED: Mapping[str, Layout] = {
    SAMPLE: {"reliability": ("F32", "images"), "correct": ("BOOL", "images")},
    BF16_SAMPLE: {"reliability": ("F32", "images"), "correct": ("BOOL", "images")},
    MAP: {
        "mean": ("F32", "latent"),
        "components": ("F32", 2, "latent"),
        "explained_variance": ("F32", 2),
        "points": ("F32", "points", 2),
        "failure_probability": ("F32", "points"),
        "correct": ("BOOL", "points"),
    },
}


class CardChecks:
    """Compares the parts of one card with each other and with the base classifier that it names.

    Args:
        folder: where the card lies, for messages.
        card: the card.
        base: a base classifier of the card's architecture; its weights are not read.
    """

    def __init__(self, folder: Path, card: Card, base: BaseClassifier) -> None:
        self._path, self._card, self._base = folder / CARD, card, base
        self._features = base.features

    def check(self) -> None:
        """Raise a ``BundleError`` that names the first two things that do not fit each other, or what is too large."""
        self._check_numbers()
        self._check_files()
        self._check_base()
        self._check_head()
        self._check_engines()
        for name, pattern in FITTED.items():
            if name in self._card.files:
                self._fit(name, pattern)
        for stem, kind in self._stored().items():
            layout = kind.layout(self._base.taps)
            if layout is not None:
                self._fit(f"{stem}{SUFFIX}", layout)

    def _check_numbers(self) -> None:
        card, image, signals = self._card, self._card.preprocessing, self._card.signals
        sampled = signals.dropout_samples * len(card.classes) * self._features
        rules = {
            f"preprocessing.size must be in {SIZES[0]} to {SIZES[1]}, not {image.size}": (
                SIZES[0] <= image.size <= SIZES[1]
            ),
            "preprocessing.std must be in 0.000001 to 1000000": all(1e-6 <= std <= 1e6 for std in image.std),
            "preprocessing.mean must be in -1000 to 1000": all(abs(mean) <= 1000 for mean in image.mean),
            "the classes have a name twice": len(set(card.classes)) == len(card.classes),
            "signals.seed must be below 2**63": signals.seed < 2**63,
            f"signals.dropout_samples takes more than {MOST_SAMPLED_WEIGHTS} weights": sampled <= MOST_SAMPLED_WEIGHTS,
            f"the head has {self._base.classes} rows for {len(card.classes)} classes": (
                self._base.classes == len(card.classes)
            ),
            f"taps have no channels, or more than {MOST_TAPPED} outputs": all(tap.channels > 0 for tap in card.taps)
            and sum(tap.channels * len(tap.keys(signals.poolings)) for tap in card.taps) <= MOST_TAPPED,
            "taps have a name that is too long": all(len(tap.name) <= LONGEST_TAP for tap in card.taps),
            "head.scalar_members exceeds its members": not isinstance(card.head, MetaNetShape)
            or card.head.scalar_members <= card.head.members,
        }
        for fault, holds in rules.items():
            if not holds:
                raise broken(self._path, fault)

    def _check_files(self) -> None:
        files = self._card.files
        learned = {f"{stem}{SUFFIX}" for stem in self._stored()}
        for name in (BASE, META, *sorted(learned)):
            if name not in files:
                needed = ", which its signals need" if name in learned else ""
                raise broken(self._path, f"does not list {name}{needed}")
        surplus = files.keys() - learned - {BASE, META, SAMPLE, MAP, BF16_SAMPLE, GRAPH}
        if surplus:
            raise broken(self._path, f"lists {min(surplus)[:80]}, which its signals do not need")
        if sum(seal.bytes for name, seal in files.items() if name != BASE) > MOST_BYTES:
            raise broken(self._path, f"its files take more than {MOST_BYTES:,} bytes beside the base classifier's")
        if self._card.certificate is not None and SAMPLE not in files:
            raise broken(self._path, "there is a certificate, but no calibration sample to check it by")

    def _stored(self) -> Mapping[str, type[Part] | type[SignalFamily]]:
        try:
            return self._card.signals.stored()
        except ReasonError as error:  # a package offers the family, and cannot be imported
            raise BundleError(f"{self._path}: {error}") from None

    def _check_engines(self) -> None:
        """Compare what the card says of engines with its files and with what it says of itself."""
        card = self._card
        own = (card.threshold, card.certificate)
        for name, proof in card.engines.items():
            known = RUNTIMES.get(name)
            if known is None or known.engine.precision != proof.precision:
                raise broken(self._path, f"engines.{name[:80]} is no engine, or not in {proof.precision}")
            if proof.precision == "fp32" and (proof.threshold, proof.certificate) != own:
                raise broken(self._path, f"engines.{name} has another threshold or certificate than the bundle")
        rounded = any(proof.precision == "bf16" for proof in card.engines.values())
        alone = isinstance(self._base, GraphBase)
        if alone and card.engines:
            raise broken(self._path, "its engines are proved against PyTorch, and it has a graph alone")
        for name, needed in ((GRAPH, alone or bool(card.engines)), (BF16_SAMPLE, rounded)):
            if (name in card.files) != needed:
                raise broken(self._path, f"lists {'no ' if needed else ''}{name}, and its engines say otherwise")

    def _check_base(self) -> None:
        if isinstance(self._base, GraphBase):
            self._compare(BASE, self._pointed_at(self._base), GRAPH)
            return
        expected, stored = {}, self._card.files[BASE].arrays
        for name, tensor in self._base.arrays().items():
            dtype = DTYPES.get(tensor.dtype)
            if dtype is None:
                raise broken(self._path, f"the network has {name} in {tensor.dtype}, which bundles do not hold")
            if tensor.is_floating_point():
                dtype = "F32" if stored.get(name, "").startswith("F32[") else "F16"
            expected[name] = described(dtype, tensor.shape)
        self._compare(BASE, expected, f"architecture {self._card.architecture!r}")

    def _pointed_at(self, base: GraphBase) -> dict[str, str]:
        """Return the arrays that a graph points at, of which a linear head must have those that fit its outputs."""
        path = self._path.with_name(GRAPH)
        try:
            stored = base.stored()
        except FaultError as fault:
            raise broken(path, str(fault)) from None
        shapes = {name: stored[name][1] for name in (HEAD_WEIGHT, HEAD_BIAS) if name in stored}
        if shapes and shapes != {HEAD_WEIGHT: (base.classes, base.features), HEAD_BIAS: (base.classes,)}:
            raise broken(
                path, f"its head has the shapes {shapes} for {base.classes} classes of {base.features} features"
            )
        return {name: described(dtype, list(shape)) for name, (dtype, shape) in stored.items()}

    def _check_head(self) -> None:
        try:
            head = unfitted_head(self._card)
        except ValueError as error:
            raise broken(self._path, str(error)) from None
        expected = {name: described(DTYPES[tensor.dtype], tensor.shape) for name, tensor in head.state_dict().items()}
        arrays = self._card.files[META].arrays
        rest = {name: array for name, array in arrays.items() if name != CLASSES}
        self._compare(META, expected, "the card's head and meta_names", rest)
        names = {CLASSES: arrays.get(CLASSES, "U8[]")}
        self._match(META, {CLASSES: ("U8", "classes", "text")}, names)

    def _fit(self, name: str, pattern: Layout) -> None:
        self._match(name, pattern, self._card.files[name].arrays)

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

    def _match(self, name: str, pattern: Layout, arrays: Mapping[str, str]) -> None:
        """Compare types and shapes with a pattern; a dimension that is not known yet is what it is found to be."""
        path = self._path.with_name(name)
        sizes = {"classes": len(self._card.classes), "features": self._features}
        if arrays.keys() != pattern.keys():
            raise broken(path, f"has arrays other than {', '.join(pattern)}")
        for key, (dtype, *dimensions) in pattern.items():
            array = arrays[key]
            found, shape = parsed(array)
            if found != dtype or len(shape) != len(dimensions) or 0 in shape:
                raise broken(path, f"{key} is {array} instead of {dtype}[{','.join(map(str, dimensions))}]")
            for number, (dimension, size) in enumerate(zip(dimensions, shape, strict=True)):
                if isinstance(dimension, int):
                    expected, called = dimension, f"dimension {number}"
                else:
                    expected, called = sizes.setdefault(dimension, size), dimension
                if size > MOST.get(called, size):
                    raise broken(path, f"{key} is {array}, and {called} may be {MOST[called]} at most")
                if size != expected:
                    raise broken(path, f"{key} is {array}, but {called} is {expected}")


def unfitted_head(card: Card) -> ReliabilityHead:
    """Return a head of the card's kind and shape, without memory for its weights.

    Raises:
        ValueError: it reads a column that the card does not name; without a full stop.
    """
    shape = card.head.model_dump()
    with without_memory():
        return HEADS[shape.pop("kind")].unfitted(card.meta_names, shape)
