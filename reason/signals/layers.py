"""Signals of how unusual an image is at each depth of the base classifier, next to base-train."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from reason.base.evidence import Evidence
from reason.base.taps import Tap
from reason.errors import FitError
from reason.signals.gaussians import Gaussians
from reason.signals.pca import Pca

EMBEDDING = "embedding"
"""How the input of the head is called among the layers."""

ROUNDING = 1e-3
"""Smaller residuals come from rounding the components; they are 0, or they would be standardised as a signal."""

SIGNALS = ("distance", "predicted_distance", "relative_distance", "residual")
"""What is measured at each layer."""


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
    whole: torch.Tensor
    """``[components, rank]`` of the single Gaussian around it."""

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
        whole = Gaussians.fit(points.double(), torch.zeros_like(labels))
        fitted = (classes.means, classes.whitening, whole.means, whole.whitening)
        return cls(pca.mean, rounded, *(part.float() for part in fitted))

    def columns(self, values: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
        """Return the layer's signals, float32 ``[n, 4]``; see ``Layers``."""
        components = self.components.float()
        centred = values - self.mean
        points = centred @ components.T
        squares = Gaussians(self.centres, self.whitening).distances(points)
        logarithms = squares.clamp(min=1e-12).log() / 2
        unusual = Gaussians(self.centre, self.whole).nearest(points)
        residual = (centred - points @ components).norm(dim=1) / centred.norm(dim=1).clamp(min=1e-6)
        columns = [
            logarithms.amin(dim=1),
            logarithms.gather(1, predicted[:, None])[:, 0],
            unusual - squares.amin(dim=1),
            residual.masked_fill(residual < ROUNDING, 0.0),
        ]
        return torch.stack(columns, dim=1)


class Layers:
    """Mahalanobis distances at several depths (Lee et al. 2018), in the leading principal components of each layer.

    Early layers know noise, blur or a strange texture that the last one has already taken for a class. For each layer:

    - ``<layer>_distance``: natural logarithm of the Mahalanobis distance to the nearest class; larger = less
      trustworthy.
    - ``<layer>_predicted_distance``: the same to the predicted class.
    - ``<layer>_relative_distance``: squared distance to all of base-train minus that to the nearest class (Ren et al.
      2021); larger = more trustworthy.
    - ``<layer>_residual``: length of what the components do not explain, relative to the whole, in [0, 1]; larger =
      less trustworthy (as in ViM, Wang et al. 2022).

    Args:
        layers: what base-train looks like at each.
    """

    group = "layers"
    scalar = True

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = dict(layers)
        self.names: tuple[str, ...] = tuple(f"{layer}_{signal}" for layer in layers for signal in SIGNALS)

    @classmethod
    def fit(cls, evidence: Evidence, labels: torch.Tensor, taps: Sequence[Tap], components: int, seed: int) -> Layers:
        """Learn from base-train evidence.

        Raises:
            FitError: a class has no image.
        """
        missing = set(range(evidence.logits.shape[1])) - set(labels.tolist())
        if missing:
            raise FitError(f"the layers signals need base-train images of every class; class {min(missing)} has none.")
        pooled = _pooled(evidence, taps)
        return cls({name: Layer.fit(values, labels, components, seed) for name, values in pooled})

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
            columns.append(layer.columns(values, predicted))
        return torch.cat(columns, dim=1)


def _pooled(evidence: Evidence, taps: Sequence[Tap]) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the mean over space of each tapped map, and the embedding."""
    for tap in taps:
        if tap.maps:
            yield tap.name, evidence.activations[f"{tap.name}_mean"]
    yield EMBEDDING, evidence.embedding
