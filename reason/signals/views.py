"""Signals of the views: whether a prediction survives that the same picture is seen otherwise."""

from __future__ import annotations

import torch
from torch.nn import functional

from reason.base.evidence import Evidence
from reason.base.views import VIEWS
from reason.signals.base import entropy
from reason.signals.neighbours import Neighbours


class Views:
    """What the base classifier says of each view, beside what it says of the whole picture.

    Test-time augmentation (Ayhan & Berens 2018), but each view is kept by itself: a prediction that only holds at one
    scale is another failure than one that only holds with the surroundings. *Predicted* is the class predicted from
    the whole picture. Of each view:

    - ``..._probability``: softmax probability of the predicted class, in [0, 1]; larger = more trustworthy.
    - ``..._max_probability``: largest softmax probability, in [1 / classes, 1]; larger = more trustworthy where the
      view agrees.
    - ``..._gap``: logit of the predicted class minus the largest other logit, below 0 where the view says another
      class; larger = more trustworthy.
    - ``..._divergence``: Jensen-Shannon divergence between the class probabilities of the view and of the picture, in
      nats, in [0, ln 2]; larger = less trustworthy.
    - ``..._similarity``: cosine between the embeddings of the view and of the picture, in [-1, 1]; larger = more
      trustworthy.
    - with neighbours, ``..._knn_distance`` and the other columns of that family, of the view's embedding and of the
      class that the view itself says.

    Args:
        neighbours: the neighbours' family, if the signals have it.
    """

    group = "views"
    scalar = True

    def __init__(self, neighbours: Neighbours | None) -> None:
        self.neighbours = neighbours
        own = ("probability", "max_probability", "gap", "divergence", "similarity")
        others = neighbours.names if neighbours else ()
        self.names: tuple[str, ...] = tuple(f"{view}_{name}" for view in VIEWS for name in (*own, *others))

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, len(names)]``.

        Raises:
            ValueError: the evidence was extracted without the views.
        """
        if not evidence.views:
            raise ValueError("the views signals need evidence that was extracted with views=True.")
        return torch.cat([self._of(evidence, evidence.views[name]) for name in VIEWS], dim=1)

    def _of(self, whole: Evidence, view: Evidence) -> torch.Tensor:
        predicted = whole.predicted[:, None]
        probabilities, said = view.logits.softmax(dim=1), whole.logits.softmax(dim=1)
        others = view.logits.scatter(1, predicted, -torch.inf).amax(dim=1)
        mean = (probabilities + said) / 2
        divergence = entropy(mean) - (entropy(probabilities) + entropy(said)) / 2
        columns = torch.stack(
            [
                probabilities.gather(1, predicted)[:, 0],
                probabilities.amax(dim=1),
                view.logits.gather(1, predicted)[:, 0] - others,
                divergence.clamp(min=0),
                functional.cosine_similarity(view.embedding, whole.embedding, dim=1),
            ],
            dim=1,
        )
        return columns if self.neighbours is None else torch.cat([columns, self.neighbours.compute(view)], dim=1)
