"""A bundle whose base classifier is carried by its graph alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drawn_shapes import SHAPES, shape_preprocessing, train_shape_network
from torch import nn

import reason
from reason.base.extraction import Extractor
from reason.base.graphs.classifier import graph_classifier
from reason.data.image_set import ImageSet, split
from reason.detector.detector import Detector
from reason.detector.heads.metanet import MetaNetSettings
from reason.fitting.fit_parts import fit_parts
from reason.signals import SignalSettings


class OwnCode(nn.Module):
    """Stands for the code of a user, which no bundle needs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.inner = network

    def forward(self, images: Any) -> Any:
        return self.inner(images)


@pytest.fixture(scope="session")
def carried_detector(shapes: ImageSet, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """A detector of shapes whose evidence comes from the graph of a network of one's own."""
    base_rows, meta_rows, calibration_rows = split(shapes.labels, (0.4, 0.35), seed=0)
    network = OwnCode(train_shape_network(shapes.take(base_rows))).eval()
    preprocessing = shape_preprocessing()
    shape = (preprocessing.channels, preprocessing.size, preprocessing.size)
    graph = graph_classifier(network, shape, tmp_path_factory.mktemp("work"))
    extract = Extractor(graph.engine, preprocessing, gradient=False)
    bank, meta, calibration = (extract(shapes.take(rows)) for rows in (base_rows, meta_rows, calibration_rows))
    base: Any = graph.base
    fitted = fit_parts(
        "carried",
        base,
        preprocessing,
        SHAPES,
        bank=bank,
        meta=meta,
        calibration=calibration,
        signals=SignalSettings(
            families=("softmax", "dropout", "neighbours", "layers"), pca_components=16, pca_columns=8
        ),
        metanet=MetaNetSettings(hidden=(16,), members=2, scalar_members=1),
        risk=0.2,
        architecture="graph",
    )
    return replace(fitted, engine=graph.engine)


@pytest.fixture(scope="session")
def carried_folder(carried_detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of it; tests must not write to it."""
    folder = tmp_path_factory.mktemp("carried") / "carried"
    reason.save(carried_detector, folder)
    return folder
