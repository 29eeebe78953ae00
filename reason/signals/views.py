"""Signals of the views: whether a prediction survives that the same picture is seen in another way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import torch
from torch.nn import functional

from reason.base.evidence import Evidence
from reason.base.views import VIEWS
from reason.signals.base import Column, Part, Requirement, SignalFamily, entropy
from reason.signals.neighbours import Neighbours
from reason.signals.registry import FAMILIES

if TYPE_CHECKING:
    from reason.signals.context import Context
    from reason.signals.settings import SignalSettings

SECTIONS = {"shrunk": "Picture shrunk to two fifths of its side", "middle": "Middle of the picture, mirrored"}
"""What people read instead of the name of a view."""

OWN = (
    Column(
        "probability",
        "Probability",
        "share",
        "trust",
        "Softmax probability, in this view, of the class that was predicted from the whole picture.",
    ),
    Column(
        "max_probability",
        "Highest probability",
        "share",
        "trust",
        "Softmax probability of whichever class comes first in this view.",
    ),
    Column(
        "gap",
        "Logit gap",
        "logits",
        "trust",
        "Lead of the predicted class over the best other one in this view; below zero when another class wins.",
    ),
    Column(
        "divergence",
        "Divergence",
        "nats",
        "doubt",
        "How far the class probabilities of this view are from those of the whole picture; at most ln 2.",
    ),
    Column(
        "similarity",
        "Similarity",
        "",
        "trust",
        "Cosine between the embedding of this view and that of the whole picture; 1 when nothing changes.",
    ),
)
"""What is measured in each view, before the neighbours."""

OF_VIEW_NEIGHBOURS = {
    "knn_distance": "Distance to the farthest of the training images nearest to this view; at most 2.",
    "knn_nearest_distance": "Distance to the single training image most similar to this view; at most 2.",
    "knn_label_agreement": (
        "Share of the training images nearest to this view that carry the class that comes first in it."
    ),
    "trust_score": (
        "How much farther from this view the nearest image of another class is than that of the class that comes "
        "first in it; below 1, another class is closer."
    ),
}
"""Help for the neighbours' columns where they are those of a view."""


@FAMILIES.register
class Views(SignalFamily):
    """What is predicted from each view, beside what is predicted from the whole picture.

    Test-time augmentation (Ayhan & Berens 2018), but each view is kept by itself: a prediction that only holds at one
    scale is a different failure from one that only holds with the surroundings. *Predicted* is the class predicted from
    the whole picture. Of each view:

    - ``..._probability``: softmax probability of the predicted class, in [0, 1]; larger = more trustworthy.
    - ``..._max_probability``: largest softmax probability, in [1 / classes, 1]; larger = more trustworthy where the
      view agrees.
    - ``..._gap``: logit of the predicted class minus the largest other logit, below 0 where another class is
      predicted from the view; larger = more trustworthy.
    - ``..._divergence``: Jensen-Shannon divergence between the class probabilities of the view and of the picture, in
      nats, in [0, ln 2]; larger = less trustworthy.
    - ``..._similarity``: cosine between the embeddings of the view and of the picture, in [-1, 1]; larger = more
      trustworthy.
    - with neighbours, ``..._knn_distance`` and the other columns of that family, of the view's embedding and of the
      class predicted from the view itself.

    Args:
        neighbours: the neighbours' family, if the signals have it.
    """

    name = "views"
    title = "Other views of the picture"
    help = "Whether the prediction survives when the picture is shrunk, or cut to its middle and mirrored."
    requires = frozenset({Requirement.VIEWS})

    def __init__(self, neighbours: Neighbours | None) -> None:
        self.neighbours = neighbours
        near = [
            replace(column, help=OF_VIEW_NEIGHBOURS.get(column.name, column.help))
            for column in (neighbours.columns if neighbours else ())
        ]
        self.columns = tuple(
            replace(column, name=f"{view}_{column.name}", section=SECTIONS.get(view, view))
            for view in VIEWS
            for column in (*OWN, *near)
        )

    @classmethod
    def shares(cls, settings: SignalSettings) -> tuple[type[Part], ...]:
        """Those of the neighbours, where the recipe has them."""
        return Neighbours.shares(settings) if Neighbours.name in settings.families else ()

    @classmethod
    def fit(cls, context: Context) -> Self:
        """Look each view up in the bank too, where the recipe has the neighbours."""
        return cls(Neighbours.fit(context) if Neighbours.name in context.settings.families else None)

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, len(names)]``.

        Raises:
            ValueError: the evidence was extracted without the views.
        """
        if not evidence.views:
            raise ValueError("the views signals need evidence that was extracted with views=True.")
        return torch.cat([self._of(evidence, evidence.views[name]) for name in VIEWS], dim=1)

    def _of(self, picture: Evidence, view: Evidence) -> torch.Tensor:
        predicted = picture.predicted[:, None]
        probabilities, of_picture = view.logits.softmax(dim=1), picture.logits.softmax(dim=1)
        others = view.logits.scatter(1, predicted, -torch.inf).amax(dim=1)
        mean = (probabilities + of_picture) / 2
        divergence = entropy(mean) - (entropy(probabilities) + entropy(of_picture)) / 2
        columns = torch.stack(
            [
                probabilities.gather(1, predicted)[:, 0],
                probabilities.amax(dim=1),
                view.logits.gather(1, predicted)[:, 0] - others,
                divergence.clamp(min=0),
                functional.cosine_similarity(view.embedding, picture.embedding, dim=1),
            ],
            dim=1,
        )
        return columns if self.neighbours is None else torch.cat([columns, self.neighbours.compute(view)], dim=1)
