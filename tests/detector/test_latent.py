"""The latent map: two principal components, and the place of an image among the calibration images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from reason.base.evidence import Evidence
from reason.base.taps import Tap
from reason.detector.detector import Detector
from reason.detector.latent import MOST_POINTS, LatentMap, latent_of


def test_the_components_are_those_of_a_singular_value_decomposition() -> None:
    random = np.random.default_rng(0)
    latent = random.normal(size=(200, 5)) * [1, 3, 2, 0.5, 0.1] + 7
    _, singular, rows = np.linalg.svd(latent - latent.mean(axis=0), full_matrices=False)
    found = LatentMap.fit(torch.from_numpy(latent).float(), torch.rand(200), torch.rand(200) > 0.5, seed=0)
    for component, expected in zip(found.components.numpy(), rows, strict=False):
        assert abs(component @ expected) == pytest.approx(1, abs=1e-5)
    assert found.explained_variance.numpy() == pytest.approx(singular[:2] ** 2 / (singular**2).sum(), rel=1e-4)
    assert found.place(found.mean[None]).numpy() == pytest.approx(np.zeros((1, 2)), abs=1e-5)


def test_a_large_calibration_set_is_thinned_and_keeps_its_rows_together() -> None:
    n = MOST_POINTS + 500
    latent = torch.randn(n, 3)
    reliability = torch.arange(n) / n
    correct = torch.arange(n) % 3 > 0
    found = LatentMap.fit(latent, reliability, correct, seed=1)
    assert len(found.points) == MOST_POINTS
    rows = ((1 - found.failure_probability) * n).round().long()
    torch.testing.assert_close(found.points, found.place(latent[rows]), rtol=1e-4, atol=1e-4)
    assert torch.equal(found.correct, correct[rows])


def test_the_latent_space_is_the_mean_activations_or_the_embedding() -> None:
    activations = {"a_mean": torch.ones(1, 2), "a_max": torch.zeros(1, 2), "a_std": torch.zeros(1, 2)}
    evidence = Evidence(torch.zeros(1, 2), torch.full((1, 3), 5.0), activations=activations)
    assert latent_of(evidence, (Tap("a", "0", 2),)).tolist() == [[1.0, 1.0]]
    assert latent_of(evidence, ()).tolist() == [[5.0, 5.0, 5.0]]


def test_a_verdict_knows_its_place(detector: Detector, shape_image: Image.Image) -> None:
    (verdict,) = detector.predict([shape_image])
    assert detector.latent_map is not None
    assert verdict.latent is not None
    points = detector.latent_map.points
    low, high = points.amin(dim=0), points.amax(dim=0)
    place = torch.tensor(verdict.latent)
    assert ((place > low - (high - low)) & (place < high + (high - low))).all()
    assert verdict.to_dict()["latent"] == list(verdict.latent)
