"""Distances at several depths against values worked out by hand, by SciPy and by scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.base.taps import Tap
from reason.detector.detector import Detector
from reason.errors import FitError
from reason.signals import FitContext, SignalSettings
from reason.signals.gaussians import Gaussians
from reason.signals.layers import Layer, Layers
from reason.signals.pca import Pca

# Two crosses around (0, 0) and (10, 0): the variances in each are 1/2 and 2.
CROSS = [(-1.0, 0.0), (1.0, 0.0), (0.0, -2.0), (0.0, 2.0)]
CROSSES = torch.tensor([(x + shift, y, 0.0, 0.0) for shift in (0, 10) for x, y in CROSS])
LABELS = torch.tensor([0] * 4 + [1] * 4)
QUERY = torch.tensor([[6.0, 2.0, 0.0, 3.0]])
TO_FIRST, TO_SECOND = 6**2 / 0.5 + 2**2 / 2, 4**2 / 0.5 + 2**2 / 2
# Around the mean of all, (5, 0), the variances are 1/2 + 25 and 2.
TO_ALL = 1 / 25.5 + 2**2 / 2
# The mean of all is (5, 0, 0, 0), from where the query lies at (1, 2, 0, 3); the 3 is not explained.
RESIDUAL = 3 / math.sqrt(1 + 4 + 9)


def evidence_of(early: torch.Tensor, embedding: torch.Tensor, predicted: int = 0) -> Evidence:
    logits = torch.zeros(len(early), 2)
    logits[:, predicted] = 1
    return Evidence(logits, embedding, activations={"early_mean": early, "late": early})


def fitted() -> Layers:
    taps = (Tap("early", "0", 4), Tap("late", "1", 4, layout="vectors"))
    return fit(evidence_of(CROSSES, turned(CROSSES)), LABELS, taps)


def fit(evidence: Evidence, labels: torch.Tensor, taps: tuple[Tap, ...] = ()) -> Layers:
    settings = SignalSettings(families=("layers",), layer_components=2)
    head = Head.linear(torch.zeros(2, 4), torch.zeros(2), 0.0)
    return Layers.fit(FitContext(settings, head, taps, Labelled(evidence, labels=labels, sources=("",) * len(labels))))


def turned(values: torch.Tensor) -> torch.Tensor:
    """Put the columns in another order and move them, which changes no distance."""
    return values.flip(1) + 7


@pytest.fixture
def cloud() -> tuple[np.ndarray, np.ndarray]:
    """300 correlated points of 12 columns in three classes."""
    random = np.random.default_rng(3)
    labels = np.arange(300) % 3
    points = random.normal(size=(300, 12)) @ random.normal(size=(12, 12)) + random.normal(0, 9, (3, 12))[labels]
    return points, labels


def centred(points: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the class means, and the points less the mean of their class."""
    means = np.stack([points[labels == label].mean(axis=0) for label in range(3)])
    return means, points - means[labels]


def test_distances_by_hand() -> None:
    gaussians = Gaussians.fit(CROSSES[:, :2].double(), LABELS)
    assert gaussians.means.tolist() == [[0, 0], [10, 0]]
    found = gaussians.distances(QUERY[:, :2].double())
    assert found.tolist() == [pytest.approx([TO_FIRST, TO_SECOND])]
    assert gaussians.nearest(QUERY[:, :2].double()).tolist() == pytest.approx([TO_SECOND])


def test_distances_are_scipys(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    points, labels = cloud
    means, rest = centred(points, labels)
    inverse = np.linalg.inv(rest.T @ rest / len(rest))
    found = Gaussians.fit(torch.from_numpy(points), torch.from_numpy(labels)).distances(torch.from_numpy(points[:20]))
    expected = [[mahalanobis(point, mean, inverse) ** 2 for mean in means] for point in points[:20]]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_a_direction_in_which_nothing_varies_counts_for_nothing() -> None:
    gaussians = Gaussians.fit(CROSSES.double(), LABELS)
    assert gaussians.whitening.shape == (4, 2)
    assert gaussians.distances(torch.tensor([[6.0, 2.0, 50.0, -3.0]]).double()).tolist() == [
        pytest.approx([TO_FIRST, TO_SECOND])
    ]


@pytest.mark.parametrize(("predicted", "to_predicted"), [(0, TO_FIRST), (1, TO_SECOND)])
def test_the_signals_of_each_layer_by_hand(predicted: int, to_predicted: float) -> None:
    layers = fitted()
    assert layers.names == (
        *("early_distance", "early_predicted_distance", "early_relative_distance", "early_residual"),
        *("embedding_distance", "embedding_predicted_distance", "embedding_relative_distance", "embedding_residual"),
    )
    # The embedding is moved away from the query, so that a layer that is read for another is noticed.
    embedding = turned(torch.tensor([[10.0, 4.0, 0.0, 0.0]]))
    (found,) = layers.compute(evidence_of(QUERY, embedding, predicted)).tolist()
    expected = [math.log(TO_SECOND) / 2, math.log(to_predicted) / 2, TO_ALL - TO_SECOND, RESIDUAL]
    assert found[:4] == pytest.approx(expected, rel=1e-4)
    above = {0: 10**2 / 0.5 + 4**2 / 2, 1: 4**2 / 2}
    expected = [math.log(above[1]) / 2, math.log(above[predicted]) / 2, 5**2 / 25.5 + 4**2 / 2 - above[1], 0]
    assert found[4:] == pytest.approx(expected, rel=1e-4, abs=1e-3)


def test_a_layer_agrees_with_scikit_learn(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    points, labels = cloud
    values = torch.from_numpy(points).float()
    layer = Layer.fit(values, torch.from_numpy(labels), components=5, seed=0)
    queries, predicted = points[:40] + 2, np.arange(40) % 3
    model = PCA(n_components=5, svd_solver="full").fit(points)
    means, rest = centred(model.transform(points), labels)
    covariance = EmpiricalCovariance(assume_centered=True).fit(rest)
    squares = np.stack([covariance.mahalanobis(model.transform(queries) - mean) for mean in means], axis=1)
    single = EmpiricalCovariance().fit(model.transform(points)).mahalanobis(model.transform(queries))
    lengths = np.linalg.norm(queries - model.mean_, axis=1)
    residual = np.linalg.norm(queries - model.inverse_transform(model.transform(queries)), axis=1) / lengths
    found = layer.measure(torch.from_numpy(queries).float(), torch.from_numpy(predicted)).numpy()
    # The components are rounded to half precision, which is good to about three digits.
    np.testing.assert_allclose(found[:, 0], np.log(squares.min(axis=1)) / 2, atol=3e-3)
    np.testing.assert_allclose(found[:, 1], np.log(squares[np.arange(40), predicted]) / 2, atol=3e-3)
    np.testing.assert_allclose(found[:, 2], single - squares.min(axis=1), rtol=1e-2, atol=1e-1)
    np.testing.assert_allclose(found[:, 3], residual, atol=1e-3)


def test_the_signals_stay_finite_at_a_mean() -> None:
    """An image at a class mean has the smallest logarithm; one at the mean of all leaves nothing unexplained."""
    layer = fitted().layers["early"]
    at_class, at_middle = layer.measure(torch.tensor([[0.0] * 4, [5.0, 0.0, 0.0, 0.0]]), torch.tensor([0, 0])).tolist()
    assert at_class[0] == at_class[1] <= math.log(1e-2)
    assert at_middle[0] == pytest.approx(math.log(50) / 2, rel=1e-4)
    assert at_middle[3] == pytest.approx(0, abs=1e-2)
    assert all(map(math.isfinite, at_class + at_middle))


def test_what_only_rounding_leaves_unexplained_is_no_signal() -> None:
    """Points in a tilted plane of eight columns: two components explain all, but for their half precision."""
    generator = torch.Generator().manual_seed(0)
    plane = torch.linalg.qr(torch.randn(8, 2, generator=generator)).Q.T
    values = torch.randn(60, 2, generator=generator) @ plane
    layer = Layer.fit(values, torch.arange(60) % 2, components=2, seed=0)
    assert not torch.equal(layer.components.float(), Pca.fit(values, 2, seed=0).components)
    assert layer.measure(values, torch.zeros(60, dtype=torch.int64))[:, 3].tolist() == [0] * 60


@pytest.mark.parametrize(("asked", "kept"), [(64, 2), (2, 2), (1, 1)])
def test_a_narrow_layer_keeps_half_of_its_directions_at_most(asked: int, kept: int) -> None:
    layer = Layer.fit(CROSSES, LABELS, components=asked, seed=0)
    assert layer.components.shape == (kept, 4)
    assert layer.components.dtype == torch.float16
    assert layer.centres.shape == (2, kept)


def test_a_class_without_an_image_is_named() -> None:
    evidence = evidence_of(CROSSES, CROSSES)
    with pytest.raises(FitError, match="class 1 has none"):
        fit(evidence, torch.zeros(8, dtype=torch.int64))


def test_a_network_without_the_tap_is_named() -> None:
    with pytest.raises(ValueError, match="tapped at early"):
        fitted().compute(Evidence(torch.zeros(1, 2), turned(QUERY)))


def test_a_network_without_taps_has_the_embedding_alone() -> None:
    layers = fit(Evidence(torch.zeros(8, 2), CROSSES), LABELS)
    assert list(layers.layers) == ["embedding"]
    (found,) = layers.compute(Evidence(torch.tensor([[0.0, 1.0]]), QUERY)).tolist()
    to_class = math.log(TO_SECOND) / 2
    assert found == pytest.approx([to_class, to_class, TO_ALL - TO_SECOND, RESIDUAL], rel=1e-4)


def test_a_fitted_detector_measures_every_depth(detector: Detector) -> None:
    """The small network's last tap is its embedding, which is not measured twice."""
    layers = detector.signals["layers"]
    assert isinstance(layers, Layers)
    assert list(layers.layers) == ["stage1", "stage2", "embedding"]
    pixels = torch.randint(0, 256, (5, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    evidence = detector.extract(pixels)
    distance, predicted, _, residual = layers.compute(evidence).view(5, 3, 4).unbind(dim=2)
    assert (distance <= predicted).all()
    assert ((residual >= 0) & (residual <= 1.001)).all()
    columns = [detector.signals.names.index(name) for name in layers.names]
    assert torch.equal(detector.signals.compute(evidence)[:, columns], layers.compute(evidence))
