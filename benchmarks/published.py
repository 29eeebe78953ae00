"""The published way of judging a prediction, as far as its cost goes: the yardstick of the verdict benchmark.

For one batch it runs the network eleven times: once to predict, six times in training mode for "MC dropout", once more
under a full backward to every parameter, and twice more for embedding and neighbours, which scikit-learn looks up among
uncompressed embeddings. Its three figures are left out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from torch.nn import functional

from reason.base.backbones import make, tap
from reason.detector.detector import Detector

MC_PASSES = 6
BANK_SIZE = 9_469


def published_way(detector: Detector) -> Callable[[torch.Tensor], None]:
    """Return a function that judges standardised images ``[n, channels, h, w]`` as was published."""
    # A network of its own: the published way alters the running statistics.
    dropout = detector.tapped.dropout
    network = make(detector.architecture, len(detector.classes), dropout, detector.preprocessing.channels)
    network.load_state_dict(detector.tapped.network.state_dict())
    base = tap(network.to(memory_format=torch.channels_last), detector.architecture, dropout)
    features = base.features
    bank = np.random.default_rng(0).normal(size=(BANK_SIZE, features)).astype(np.float32)
    search = NearestNeighbors(n_neighbors=10).fit(bank)

    def judge(images: torch.Tensor) -> None:
        base.eval()
        with torch.no_grad():
            base(images)
        base.train()
        with torch.no_grad():
            for _ in range(MC_PASSES):
                base(images)
        base.eval()
        inputs = images.clone().requires_grad_(True)
        logits = base(inputs)
        functional.cross_entropy(logits, logits.argmax(dim=1)).backward()
        base.zero_grad()
        for _ in range(2):
            evidence = base.extract(images, gradient=False)
        search.kneighbors(evidence.embedding.numpy())

    return judge
