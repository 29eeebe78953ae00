"""Signals of how unusual an image is at each depth of the base classifier, next to base-train."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import torch

from reason.base.evidence import Evidence
from reason.base.taps import Tap
from reason.errors import FitError
from reason.signals.base import Column, Direction, Layout, Requirement, SignalFamily, State
from reason.signals.gaussians import Gaussians
from reason.signals.pca import Pca
from reason.signals.registry import FAMILIES

if TYPE_CHECKING:
    from reason.signals.context import Context

EMBEDDING = "embedding"
"""How the input of the head is called among the layers."""

ROUNDING = 1e-3
"""Smaller residuals come from rounding the components; they are 0, or they would be standardised as a signal."""

MEASURED: tuple[tuple[str, str, str, Direction, str], ...] = (
    (
        *("distance", "Distance, {layer}", "", "doubt"),
        "How far the {layer} is from what it is for training images of the nearest class (logarithm of the "
        "Mahalanobis distance).",
    ),
    (
        *("predicted_distance", "Class distance, {layer}", "", "doubt"),
        "How far the {layer} is from what it is for training images of the predicted class (logarithm of the "
        "Mahalanobis distance).",
    ),
    (
        *("relative_distance", "Relative distance, {layer}", "", "trust"),
        "How much nearer the {layer} is to one class than to training images at large; small when it fits none.",
    ),
    (
        *("residual", "Unexplained {layer}", "share", "doubt"),
        "Share of the length of the {layer} outside the directions that training images use.",
    ),
)
"""Name, label, unit, direction and help of what is measured at each layer."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What base-train looks like at one layer."""

    mean: torch.Tensor
    """``[channels]``."""
    components: torch.Tensor
    """Leading principal components: orthonormal rows ``[components, channels]``, rounded to half precision."""
    centres: torch.Tensor
    """Mean of each class in these components ``[classes, components]``."""
    whitening: torch.Tensor
    """``[components, rank]`` of the classes' Gaussians, see ``Gaussians``."""
    centre: torch.Tensor
    """Mean of all images in these components ``[1, components]``."""
    background: torch.Tensor
    """``[components, rank]`` of the background Gaussian: a single one around it, whatever the class."""

    @classmethod
    def fit(cls, values: torch.Tensor, labels: torch.Tensor, components: int, seed: int) -> Layer:
        """Learn from base-train.

        Args:
            values: outputs of the layer, pooled over space ``[n, channels]``.
            labels: true classes, int64 ``[n]``; each class must occur.
            components: most components to keep; of narrow layers, half as many as there are channels.
            seed: seed of the PCA.
        """
        pca = Pca.fit(values, min(components, max(1, values.shape[1] // 2)), seed)
        rounded = pca.components.half()
        points = (values - pca.mean) @ rounded.float().T
        classes = Gaussians.fit(points.double(), labels)
        background = Gaussians.fit(points.double(), torch.zeros_like(labels))
        fitted = (classes.means, classes.whitening, background.means, background.whitening)
        return cls(pca.mean, rounded, *(part.float() for part in fitted))

    def measure(self, values: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
        """Return the layer's signals, float32 ``[n, 4]``; see ``Layers``."""
        components = self.components.float()
        centred = values - self.mean
        points = centred @ components.T
        squares = Gaussians(self.centres, self.whitening).distances(points)
        logarithms = squares.clamp(min=1e-12).log() / 2
        unusual = Gaussians(self.centre, self.background).nearest(points)
        residual = (centred - points @ components).norm(dim=1) / centred.norm(dim=1).clamp(min=1e-6)
        columns = [
            logarithms.amin(dim=1),
            logarithms.gather(1, predicted[:, None])[:, 0],
            unusual - squares.amin(dim=1),
            residual.masked_fill(residual < ROUNDING, 0.0),
        ]
        return torch.stack(columns, dim=1)


@FAMILIES.register
class Layers(SignalFamily):
    """Mahalanobis distances at several depths (Lee et al. 2018), in the leading principal components of each layer.

    Early layers know noise, blur or a strange texture that the last one has already taken for a class. For each layer:

    - ``<layer>_distance``: natural logarithm of the Mahalanobis distance to the nearest class; larger = less
      trustworthy.
    - ``<layer>_predicted_distance``: the same to the predicted class.
    - ``<layer>_relative_distance``: squared distance to all of base-train minus that to the nearest class (Ren et al.
      2021); larger = more trustworthy.
    - ``<layer>_residual``: length of what the components do not explain, relative to all of it, in [0, 1]; larger =
      less trustworthy (as in ViM, Wang et al. 2022).

    Args:
        layers: what base-train looks like at each.
    """

    name = "layers"
    title = "Distances at several depths"
    help = "How unusual the image is at early and late layers, next to training images."
    requires = frozenset({Requirement.TAPS, Requirement.BANK})
    stem = "layer_statistics"

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = dict(layers)
        self.columns = tuple(
            Column(f"{layer}_{name}", label.format(layer=layer), unit, direction, text.format(layer=layer))
            for layer in layers
            for name, label, unit, direction, text in MEASURED
        )

    @classmethod
    def fit(cls, context: Context) -> Self:
        """Learn from base-train evidence.

        Raises:
            FitError: a class has no image.
        """
        evidence, labels, settings = context.train.evidence, context.train.labels, context.settings
        missing = set(range(evidence.logits.shape[1])) - set(labels.tolist())
        if missing:
            raise FitError(f"the layers signals need base-train images of every class; class {min(missing)} has none.")
        return cls(
            {
                name: Layer.fit(values, labels, settings.layer_components, settings.seed)
                for name, values in _pooled(evidence, context.taps)
            }
        )

    @classmethod
    def layout(cls, taps: Sequence[Tap]) -> Layout:
        """Return the fields of every layer that is measured: tapped maps, and the embedding."""
        widths: dict[str, str | int] = {tap.name: tap.channels for tap in taps if tap.spread} | {EMBEDDING: "features"}
        layout: dict[str, tuple[str, *tuple[str | int, ...]]] = {}
        for name, channels in widths.items():
            components = f"{name} components"
            layout |= {
                f"{name}.mean": ("F32", channels),
                f"{name}.components": ("F16", components, channels),
                f"{name}.centres": ("F32", "classes", components),
                f"{name}.whitening": ("F32", components, f"{name} rank"),
                f"{name}.centre": ("F32", 1, components),
                f"{name}.background": ("F32", components, f"{name} background rank"),
            }
        return layout

    def state(self) -> State:
        """Return the fields of every layer under ``<layer>.<field>``."""
        return {
            f"{name}.{item.name}": getattr(layer, item.name)
            for name, layer in self.layers.items()
            for item in fields(layer)
        }

    @classmethod
    def from_state(cls, state: State, context: Context) -> Self:
        """Make the family from what ``state`` returned; the taps of the base classifier give the order.

        Raises:
            KeyError: a field of a layer is missing.
        """
        stored = sorted({key.rpartition(".")[0] for key in state})
        known = [tap.name for tap in context.taps]
        order = sorted(stored, key=lambda name: (name == EMBEDDING, known.index(name) if name in known else 0))
        return cls({name: Layer(*(state[f"{name}.{item.name}"] for item in fields(Layer))) for name in order})

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, 4 * layers]``.

        Raises:
            ValueError: the evidence comes from a network without these taps.
        """
        predicted = evidence.predicted
        columns = []
        for name, layer in self.layers.items():
            values = evidence.embedding if name == EMBEDDING else evidence.activations.get(f"{name}_mean")
            if values is None:
                raise ValueError(f"the layers signals need a base classifier that is tapped at {name}.")
            columns.append(layer.measure(values, predicted))
        return torch.cat(columns, dim=1)


def _pooled(evidence: Evidence, taps: Sequence[Tap]) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the mean over space of each tapped map, and the embedding."""
    for tap in taps:
        if tap.spread:
            yield tap.name, evidence.activations[f"{tap.name}_mean"]
    yield EMBEDDING, evidence.embedding
