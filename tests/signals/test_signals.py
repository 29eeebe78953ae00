"""Each signal against values worked out by hand, by enumeration or by another library."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from torch import nn

from reason.base.backbones import ARCHITECTURES
from reason.base.engines import Tapped
from reason.base.evidence import Evidence
from reason.base.head import Head
from reason.base.taps import Tap
from reason.signals.activations import Activations
from reason.signals.bank import Bank
from reason.signals.dropout import Dropout
from reason.signals.embedding import Embedding
from reason.signals.gradient import Gradient
from reason.signals.logits import Logits
from reason.signals.neighbours import Neighbours
from reason.signals.pca import Pca
from reason.signals.softmax import Softmax


def columns(family: Softmax | Dropout | Gradient | Neighbours, evidence: Evidence) -> dict[str, list[float]]:
    return dict(zip(family.names, family.compute(evidence).T.tolist(), strict=True))


def evidence_of(logits: list[list[float]], embedding: torch.Tensor | None = None) -> Evidence:
    tensor = torch.tensor(logits)
    return Evidence(tensor, torch.zeros(len(tensor), 2) if embedding is None else embedding)


def test_softmax_signals_by_hand() -> None:
    # Probabilities 1/2, 1/4, 1/4: entropy 1.5 bits, log-sum-exp ln 4.
    found = columns(Softmax(top=2), evidence_of([[math.log(2), 0.0, 0.0]]))
    assert found["max_probability"] == pytest.approx([0.5])
    assert found["entropy"] == pytest.approx([1.5 * math.log(2)])
    assert found["logit_gap"] == pytest.approx([math.log(2)])
    assert found["energy"] == pytest.approx([math.log(4)])
    assert found["top_logit_1"] == pytest.approx([math.log(2)])
    assert found["top_logit_2"] == pytest.approx([0.0])


def test_softmax_signals_stay_finite_when_saturated() -> None:
    found = Softmax(top=3).compute(evidence_of([[500.0, 0.0, -500.0]]))
    assert torch.isfinite(found).all()
    assert found[0, 1] == 0


def test_closed_form_dropout_equals_the_enumeration_of_all_masks() -> None:
    random = torch.Generator().manual_seed(0)
    rate, features, classes = 0.3, 6, 3
    weight, embedding = torch.randn(classes, features, generator=random), torch.randn(1, features, generator=random)
    head = Head.linear(weight, torch.zeros(classes), rate)
    logits = embedding @ weight.T
    first, second = logits.topk(2, dim=1).indices[0].tolist()
    mean, square, gap_mean, gap_square = 0.0, 0.0, 0.0, 0.0
    for mask in itertools.product((0.0, 1.0), repeat=features):
        chance = math.prod(1 - rate if keep else rate for keep in mask)
        values = (weight @ (embedding[0] * torch.tensor(mask) / (1 - rate))).tolist()
        mean += chance * values[first]
        square += chance * values[first] ** 2
        gap_mean += chance * (values[first] - values[second])
        gap_square += chance * (values[first] - values[second]) ** 2
    found = columns(Dropout(head, samples=4, seed=0), Evidence(logits, embedding))
    assert found["dropout_logit_deviation"] == pytest.approx([math.sqrt(square - mean**2)], rel=1e-4)
    expected = gap_mean / math.sqrt(gap_square - gap_mean**2)
    assert found["dropout_gap_ratio"] == pytest.approx([expected], rel=1e-4)


def test_sampled_dropout_converges_to_the_enumeration() -> None:
    head = Head.linear(torch.tensor([[1.0, -2.0], [0.0, 0.5]]), torch.tensor([0.1, 0.0]), 0.5)
    (weight, bias), embedding = head.weights(), torch.tensor([[1.0, 0.7]])
    probabilities = []
    for mask in itertools.product((0.0, 2.0), repeat=2):
        logits = weight @ (embedding[0] * torch.tensor(mask)) + bias
        probabilities.append(logits.softmax(0).tolist())
    table = np.array(probabilities)
    evidence = Evidence(embedding @ weight.T + bias, embedding)
    predicted = int(evidence.predicted)
    entropy = lambda p: -(p * np.log(p)).sum(axis=-1)  # noqa: E731
    found = columns(Dropout(head, samples=20_000, seed=1), evidence)
    assert found["dropout_probability_variance"] == pytest.approx([table[:, predicted].var()], rel=0.03)
    expected = entropy(table.mean(axis=0)) - entropy(table).mean()
    assert found["dropout_mutual_information"] == pytest.approx([expected], rel=0.03)


def test_without_dropout_nothing_moves() -> None:
    head = Head.linear(torch.eye(2), torch.zeros(2), 0.0)
    found = columns(Dropout(head, samples=8, seed=0), evidence_of([[2.0, 1.0]], torch.tensor([[2.0, 1.0]])))
    assert found["dropout_logit_deviation"] == [0]
    assert found["dropout_probability_variance"] == pytest.approx([0], abs=1e-12)
    assert found["dropout_mutual_information"] == pytest.approx([0], abs=1e-6)


def test_gradient_of_a_linear_classifier_is_its_weight_difference() -> None:
    weight = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, -4.0, 0.0]])
    network = nn.Sequential(nn.Flatten(), nn.Linear(3, 3))
    network[1].load_state_dict({"weight": weight, "bias": torch.zeros(3)})
    images = torch.tensor([1.0, 1.0, 0.0]).view(1, 3, 1, 1)
    evidence = Tapped(network, head="1").freeze().extract(images, gradient=True)
    # Logits 3, 0, -4: the gap is 3 x the first input, so its gradient is (3, 0, 0).
    found = columns(Gradient(), evidence)
    assert found["input_gradient_norm"] == pytest.approx([3.0])
    assert found["boundary_distance"] == pytest.approx([1.0])


def test_gradient_signals_say_when_the_gradient_is_missing() -> None:
    with pytest.raises(ValueError, match="gradient=True"):
        Gradient().compute(evidence_of([[1.0, 0.0]]))


@pytest.fixture
def cloud() -> torch.Tensor:
    random = np.random.default_rng(3)
    mixed = random.normal(size=(200, 12)) @ random.normal(size=(12, 12))
    return torch.from_numpy(mixed.astype(np.float32))


def test_pca_agrees_with_scikit_learn(cloud: torch.Tensor) -> None:
    ours = Pca.fit(cloud, components=5, seed=0)
    theirs = PCA(n_components=5, svd_solver="full").fit(cloud.numpy())
    np.testing.assert_allclose(ours.transform(cloud).abs(), np.abs(theirs.transform(cloud.numpy())), atol=1e-2)


def test_embedding_columns_have_unit_deviation(cloud: torch.Tensor) -> None:
    family = Embedding(Pca.fit(cloud, components=8, seed=0), size=3)
    found = family.compute(Evidence(torch.zeros(len(cloud), 2), cloud))
    assert family.names == ("pca_001", "pca_002", "pca_003")
    assert found.std(dim=0).tolist() == pytest.approx([1, 1, 1], rel=1e-3)


def test_directions_keep_inner_products_with_what_lies_in_their_space(cloud: torch.Tensor) -> None:
    """Of base-train vectors rebuilt from five components, all of it; of others, their length outside as well."""
    cloud = cloud + 3
    pca = Pca.fit(cloud, components=5, seed=0)
    inside = pca.mean + pca.transform(cloud) @ pca.components
    found = pca.directions(inside) @ pca.directions(cloud).T
    expected = torch.nn.functional.normalize(inside, dim=1) @ torch.nn.functional.normalize(cloud, dim=1).T
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(pca.directions(inside).norm(dim=1), torch.ones(len(inside)))
    assert (pca.directions(cloud).norm(dim=1) < 1).all()


def test_directions_need_no_row_for_a_mean_at_the_origin() -> None:
    pca = Pca(mean=torch.zeros(2), components=torch.eye(2), deviation=torch.ones(2))
    torch.testing.assert_close(pca.directions(torch.tensor([[3.0, 4.0]])), torch.tensor([[0.6, 0.8]]))


def test_neighbours_agree_with_scikit_learn(cloud: torch.Tensor) -> None:
    pca = Pca.fit(cloud, components=12, seed=0)  # all of them, so that nothing is lost
    labels = torch.arange(len(cloud)) % 3
    bank = Bank.fit(pca, cloud, labels, tuple(map(str, range(len(cloud)))))
    queries = cloud[:10] + 0.3
    raw = [torch.nn.functional.normalize(points, dim=1).numpy() for points in (cloud, queries)]
    expected, rows = NearestNeighbors(n_neighbors=4).fit(raw[0]).kneighbors(raw[1])
    family = Neighbours(pca, bank, k=4)
    logits = torch.zeros(10, 3)
    logits[:, 1] = 1  # every query is predicted to be of class 1
    evidence = Evidence(logits, queries)
    nearest = family.search(evidence).nearest
    # The bank is kept in half precision, whose rounding the square of the distance feels.
    np.testing.assert_allclose(nearest.distances.square(), expected**2, atol=2e-3)
    found = columns(family, evidence)
    np.testing.assert_allclose(found["knn_distance"], nearest.distances[:, -1])
    np.testing.assert_allclose(found["knn_nearest_distance"], nearest.distances[:, 0])
    np.testing.assert_allclose(found["knn_label_agreement"], (labels.numpy()[rows] == 1).mean(axis=1))


def test_trust_score_by_hand() -> None:
    # In the plane: the query points along x; class 0 lies 60 degrees away (distance 1), class 1 a quarter (sqrt 2).
    pca = Pca(mean=torch.zeros(2), components=torch.eye(2), deviation=torch.ones(2))
    points = torch.tensor([[0.5, math.sqrt(0.75)], [0.0, 1.0]])
    bank = Bank(points, torch.tensor([0, 1]), ("a", "b"))
    evidence = Evidence(torch.tensor([[1.0, 0.0]]), torch.tensor([[7.0, 0.0]]))
    found = columns(Neighbours(pca, bank, k=1), evidence)
    assert found["trust_score"] == pytest.approx([math.sqrt(2)], rel=1e-5)
    assert found["knn_nearest_distance"] == pytest.approx([1.0])


def test_activations_are_the_taps_in_order() -> None:
    taps = (Tap("early", "0", 2), Tap("late", "1", 1, layout="vectors"))
    one = {"early_mean": [[1.0, 2.0]], "early_max": [[3.0, 4.0]], "early_std": [[5.0, 6.0]], "late": [[7.0]]}
    activations = {key: torch.tensor(value) for key, value in one.items()}
    evidence = Evidence(torch.zeros(1, 2), torch.zeros(1, 2), activations=activations)
    family = Activations(taps, ("mean", "std"))
    assert family.names == ("early_mean_001", "early_mean_002", "early_std_001", "early_std_002", "late_001")
    assert family.compute(evidence).tolist() == [[1.0, 2.0, 5.0, 6.0, 7.0]]
    with pytest.raises(ValueError, match="tapped at early_mean"):
        family.compute(evidence_of([[0.0, 0.0]]))


def test_the_published_auditor_reads_224_columns() -> None:
    assert len(Activations(ARCHITECTURES["cnn"].taps, ("mean",)).names) == 32 + 64 + 128


def test_class_logits_are_centred() -> None:
    assert Logits(3).compute(evidence_of([[1.0, 2.0, 6.0]])).tolist() == [[-2.0, -1.0, 3.0]]
