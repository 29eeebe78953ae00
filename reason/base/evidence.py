"""What looking at images leaves behind in the base classifier for the signals to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from reason.data.labels import LabelledItems, joined
from reason.errors import EvidenceError


@dataclass(frozen=True, slots=True)
class Evidence:
    """The inside of the base classifier for ``n`` images, float32."""

    logits: torch.Tensor
    """Logits ``[n, classes]``."""
    embedding: torch.Tensor
    """Input of the head ``[n, features]``."""
    gradient_norm: torch.Tensor | None = None
    """Euclidean norm ``[n]`` of the input gradient of the gap between the two largest logits.

    In logits per standardised pixel unit; ``None`` when no gradient was taken.
    """
    activations: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """Pooled outputs of the tapped layers, each ``[n, channels]``, by the keys of ``Tap.keys``; empty without taps."""
    views: Mapping[str, Evidence] = field(default_factory=dict)
    """Logits and embeddings of the same images seen otherwise, by the names of ``reason.base.views.VIEWS``.

    Empty when no views were taken.
    """

    def __len__(self) -> int:
        return len(self.logits)

    def __getitem__(self, rows: slice | torch.Tensor) -> Evidence:
        norms = self.gradient_norm
        return Evidence(
            self.logits[rows],
            self.embedding[rows],
            None if norms is None else norms[rows],
            {key: values[rows] for key, values in self.activations.items()},
            {name: view[rows] for name, view in self.views.items()},
        )

    @property
    def predicted(self) -> torch.Tensor:
        """Index ``[n]`` of the largest logit."""
        return self.logits.argmax(dim=1)


def concatenate(parts: Sequence[Evidence]) -> Evidence:
    """Join the evidence of several batches, in order.

    Raises:
        EvidenceError: not the same was measured of all: one lacks the gradient, a view or a tap of another.
    """
    kinds = {_measured(part) for part in parts}
    if len(kinds) > 1:
        raise EvidenceError(
            f"evidence of {' and of '.join(sorted(kinds))} cannot be put together; extract the same of all images."
        )
    first = parts[0]
    return Evidence(
        logits=torch.cat([part.logits for part in parts]),
        embedding=torch.cat([part.embedding for part in parts]),
        gradient_norm=torch.cat([norm for part in parts if (norm := part.gradient_norm) is not None])
        if first.gradient_norm is not None
        else None,
        activations={key: torch.cat([part.activations[key] for part in parts]) for key in first.activations},
        views={name: concatenate([part.views[name] for part in parts]) for name in first.views},
    )


def _measured(evidence: Evidence) -> str:
    """Return in words what was measured beside logits and embedding."""
    more = [] if evidence.gradient_norm is None else ["gradient"]
    more += [f"view {name}" for name in evidence.views] + [f"tap {key}" for key in evidence.activations]
    return ", ".join(["logits", *sorted(more)])


@dataclass(frozen=True, slots=True)
class Labelled(LabelledItems):
    """Evidence of images whose true classes are known."""

    evidence: Evidence

    def _taken(self, rows: torch.Tensor) -> dict[str, Any]:
        return {"evidence": self.evidence[rows]}

    @property
    def correct(self) -> torch.Tensor:
        """Whether the base classifier is right, bool ``[n]``."""
        return self.evidence.predicted == self.labels


def join(blocks: Sequence[Labelled]) -> Labelled:
    """Put labelled evidence end to end.

    Raises:
        EvidenceError: not the same was measured of all.
    """
    return Labelled(concatenate([block.evidence for block in blocks]), **joined(blocks))
