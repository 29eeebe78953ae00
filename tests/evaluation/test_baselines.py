"""Each baseline against values worked out by hand, by automatic differentiation or by another library."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from reason.base.evidence import Evidence, Labelled
from reason.base.head import Head
from reason.errors import FitError
from reason.evaluation.baselines import SCORES, ConfidenceScore, ScoreContext
from reason.evaluation.baselines.disagreement import Doctor, Gen
from reason.evaluation.baselines.dropout import McDropout
from reason.evaluation.baselines.gaussian import Mahalanobis, RelativeMahalanobis
from reason.evaluation.baselines.gradnorm import GradNorm
from reason.evaluation.baselines.logits import Energy, MaxLogit
from reason.evaluation.baselines.neighbours import Knn
from reason.evaluation.baselines.pnorm import MaxLogitPNorm
from reason.evaluation.baselines.relative import RelU
from reason.evaluation.baselines.sirc import SircNorm, SircResidual
from reason.evaluation.baselines.softmax import Entropy, Margin, Msp
from reason.evaluation.baselines.temperature import TemperatureScaledMsp
from reason.evaluation.baselines.vim import Vim
from reason.signals import SignalSet

PLAIN_HEAD = Head.linear(torch.eye(2), torch.zeros(2), 0.0)


def evidence_of(logits: list[list[float]], embedding: list[list[float]] | None = None) -> Evidence:
    rows = torch.tensor(logits)
    return Evidence(logits=rows, embedding=torch.ones(len(rows), 2) if embedding is None else torch.tensor(embedding))


def labelled(evidence: Evidence, labels: list[int]) -> Labelled:
    return Labelled(evidence, labels=torch.tensor(labels), sources=tuple(map(str, labels)))


def probabilities_of(*rows: list[float]) -> Evidence:
    """Return evidence whose class probabilities are the rows."""
    return evidence_of([[math.log(p) for p in row] for row in rows])


def known(head: Head, train: Labelled, meta: Labelled) -> ScoreContext:
    return ScoreContext(head, train, meta, SignalSet([]))


NOTHING = labelled(evidence_of([[1.0, 0.0], [1.0, 0.0]]), [0, 1])

# Logits ln 2, 0, 0: probabilities 1/2, 1/4, 1/4, so that sum p^2 = 3/8.
BY_HAND: list[tuple[ConfidenceScore, float]] = [
    (Msp(), 1 / 2),
    (Margin(), 1 / 4),
    (Entropy(), -1.5 * math.log(2)),
    (MaxLogit(), math.log(2)),
    (Energy(), math.log(4)),
    (Doctor(), -(5 / 8) / (3 / 8)),
    (Gen(gamma=0.5), -(1 / 2 + 2 * math.sqrt(3 / 16))),
    (Gen(gamma=0.5, classes=1), -1 / 2),
    # L1 norm of (3, -1) times |1/2 - 1/3| + 2 |1/4 - 1/3|.
    (GradNorm(), 4 / 3),
]


@pytest.mark.parametrize(("baseline", "expected"), BY_HAND, ids=lambda value: getattr(value, "name", None))
def test_parameter_free_scores_by_hand(baseline: ConfidenceScore, expected: float) -> None:
    found = baseline.score(evidence_of([[math.log(2), 0.0, 0.0]], [[3.0, -1.0]]))
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx([expected])


def test_gen_sees_what_a_saturated_probability_hides() -> None:
    # p_2 = e^-50 and 1 - p_1 are equal: each class adds e^-5.
    assert Gen().score(evidence_of([[50.0, 0.0]])).tolist() == pytest.approx([-2 * math.exp(-5)])


def test_gradnorm_is_the_gradient_that_autograd_finds() -> None:
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(4, 3, generator=random, dtype=torch.float64, requires_grad=True)
    embedding = torch.randn(3, generator=random, dtype=torch.float64)
    logits = weight @ embedding
    uniform = torch.full((4,), 0.25, dtype=torch.float64)
    (uniform * (uniform.log() - logits.log_softmax(dim=0))).sum().backward()
    assert weight.grad is not None
    found = GradNorm().score(Evidence(logits=logits.detach()[None], embedding=embedding[None]))
    assert found.item() == pytest.approx(weight.grad.abs().sum().item())


def test_temperature_by_hand() -> None:
    # Three of four labels are 0: the likeliest probability is 3/4, so logits 2 ln 3 must be halved.
    meta = labelled(evidence_of([[2 * math.log(3), 0.0]] * 4), [0, 0, 0, 1])
    baseline = TemperatureScaledMsp().fit(known(PLAIN_HEAD, NOTHING, meta))
    assert baseline.temperature_ == pytest.approx(2, rel=1e-4)
    assert baseline.score(meta.evidence).tolist() == pytest.approx([3 / 4] * 4, rel=1e-4)


@pytest.mark.parametrize(("p", "expected"), [(0, 1), (1, 1 / 2), (2, 1 / math.sqrt(2)), (3, 2 ** (-1 / 3))])
def test_pnorm_by_hand(p: int, expected: float) -> None:
    baseline = MaxLogitPNorm()
    baseline.p_ = p
    # Centred: 1, 0, -1; and equal logits say nothing.
    assert baseline.score(evidence_of([[5.0, 4.0, 3.0], [2.0, 2.0, 2.0]])).tolist() == pytest.approx([expected, 0])


def test_pnorm_chooses_the_best_exponent_on_meta_fit() -> None:
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(400, 5, generator=random) * torch.linspace(0.5, 4, 400)[:, None]
    labels = (logits + 2 * torch.randn(400, 5, generator=random)).argmax(dim=1)
    meta = Labelled(Evidence(logits=logits, embedding=torch.ones(400, 2)), labels=labels, sources=("",) * 400)
    baseline = MaxLogitPNorm().fit(known(PLAIN_HEAD, NOTHING, meta))
    chosen = baseline.p_
    found = []
    for p in range(11):
        baseline.p_ = p
        found.append(roc_auc_score(meta.correct, baseline.score(meta.evidence)))
    assert chosen == max(range(11), key=lambda p: found[p])


def test_knn_by_hand() -> None:
    # Unit vectors at 0, 90 and 180 degrees from the query: distances 0, sqrt 2 and 2.
    train = labelled(evidence_of([[0.0, 0.0]] * 3, [[2.0, 0.0], [0.0, 0.1], [-3.0, 0.0]]), [0, 0, 1])
    query = evidence_of([[0.0, 0.0]], [[7.0, 0.0]])
    second = Knn(k=2).fit(known(PLAIN_HEAD, train, NOTHING)).score(query)
    assert second.tolist() == pytest.approx([-math.sqrt(2)])
    assert Knn().fit(known(PLAIN_HEAD, train, NOTHING)).score(query).tolist() == pytest.approx([-2])


# Two crosses around (0, 0) and (4, 0): variances 1/2 and 2 in each, 9/2 and 2 in all; the third column is dead.
CROSS = [(-1.0, 0.0), (1.0, 0.0), (0.0, -2.0), (0.0, 2.0)]
CROSSES = labelled(
    evidence_of([[0.0, 0.0]] * 8, [[x + shift, y, 0.0] for shift in (0, 4) for x, y in CROSS]), [0] * 4 + [3] * 4
)


def test_mahalanobis_by_hand() -> None:
    query = evidence_of([[0.0, 0.0]], [[1.0, 2.0, 7.0]])
    plain = Mahalanobis().fit(known(PLAIN_HEAD, CROSSES, NOTHING))
    assert plain.score(query).tolist() == pytest.approx([-(1 / 0.5 + 4 / 2)])
    relative = RelativeMahalanobis().fit(known(PLAIN_HEAD, CROSSES, NOTHING))
    assert relative.score(query).tolist() == pytest.approx([(1 / 4.5 + 4 / 2) - (1 / 0.5 + 4 / 2)])


# The second moment is diag(6, 1/3): the second direction is the residual, of mean length 1/3 against mean logit 2.
VIM_HEAD = Head.linear(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.zeros(2), 0.0)
VIM_TRAIN = labelled(
    evidence_of([[3.0, -3.0], [-3.0, 3.0], [0.0, 0.0]], [[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0]]), [0, 1, 0]
)


def test_vim_by_hand() -> None:
    baseline = Vim().fit(known(VIM_HEAD, VIM_TRAIN, NOTHING))
    expected = math.log(math.exp(2) + math.exp(-2)) - 6 * 0.5
    assert baseline.score(evidence_of([[2.0, -2.0]], [[2.0, 0.5]])).tolist() == pytest.approx([expected])


def test_vim_looks_from_where_the_logits_are_zero() -> None:
    head = Head.linear(torch.eye(2), torch.tensor([1.0, 2.0]), 0.0)
    baseline = Vim().fit(known(head, VIM_TRAIN, NOTHING))
    assert baseline.space_ is not None
    assert baseline.space_.origin.tolist() == pytest.approx([-1, -2])


def test_vim_is_energy_where_nothing_is_left_over() -> None:
    flat = labelled(evidence_of([[3.0, -3.0], [-2.0, 2.0]], [[3.0, 0.0], [-2.0, 0.0]]), [0, 1])
    query = evidence_of([[1.0, -1.0]], [[1.0, 5.0]])
    found = Vim().fit(known(VIM_HEAD, flat, NOTHING)).score(query)
    assert found.tolist() == pytest.approx(Energy().score(query).tolist())


def test_mc_dropout_converges_to_the_enumeration() -> None:
    head = Head.linear(torch.tensor([[1.0, -2.0], [0.0, 0.5]]), torch.tensor([0.1, 0.0]), 0.5)
    (weight, bias), embedding = head.weights(), torch.tensor([[1.0, 0.2]])
    logits = embedding @ weight.T + bias
    masks = torch.tensor([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]])
    every = ((embedding * masks) @ weight.T + bias).softmax(dim=1)
    found = McDropout(samples=20_000).fit(known(head, NOTHING, NOTHING))
    evidence = Evidence(logits=logits, embedding=embedding)
    assert found.score(evidence).tolist() == pytest.approx([every[:, 0].mean().item()], rel=0.01)


def test_mc_dropout_without_dropout_is_msp() -> None:
    evidence = evidence_of([[3.0, 1.0], [0.0, 2.0]], [[3.0, 1.0], [0.0, 2.0]])
    found = McDropout(samples=3).fit(known(PLAIN_HEAD, NOTHING, NOTHING)).score(evidence)
    assert found.tolist() == pytest.approx(Msp().score(evidence).tolist())


def test_rel_u_by_hand() -> None:
    meta = labelled(probabilities_of([1 / 2, 1 / 4, 1 / 4], [0.8, 0.1, 0.1]), [1, 0])
    baseline = RelU().fit(known(PLAIN_HEAD, NOTHING, meta))
    near, far = (1 / 8 - 0.08) / 2, (1 / 16 - 0.01) / 2
    length = math.sqrt(4 * near**2 + 2 * far**2)
    expected = -2 * (near / 8 + near / 8 + far / 16) / length
    assert baseline.score(probabilities_of([1 / 2, 1 / 4, 1 / 4])).tolist() == pytest.approx([expected], rel=1e-5)


def test_rel_u_without_confused_pairs_counts_all_alike() -> None:
    meta = labelled(probabilities_of([0.9, 0.05, 0.05], [0.4, 0.3, 0.3]), [1, 0])
    baseline = RelU().fit(known(PLAIN_HEAD, NOTHING, meta))
    found = baseline.score(probabilities_of([1 / 2, 1 / 4, 1 / 4]))
    assert found.tolist() == pytest.approx([-(5 / 8) / math.sqrt(6)], rel=1e-5)


def test_sirc_by_hand() -> None:
    # L1 norms 1 and 3 on base-train: mean 2, deviation 1, so a = -1 and b = 1; the query has norm 1.
    train = labelled(evidence_of([[0.0, 0.0]] * 2, [[1.0, 0.0], [-3.0, 0.0]]), [0, 1])
    baseline = SircNorm().fit(known(PLAIN_HEAD, train, NOTHING))
    found = baseline.score(evidence_of([[math.log(2), 0.0, 0.0]], [[0.5, -0.5]]))
    assert found.tolist() == pytest.approx([-math.log(1 / 2 * (1 + math.exp(-2)))])
    # Residuals 0, 0 and 1: mean 1/3, deviation sqrt(2)/3; the query's is 1/2.
    residual = SircResidual().fit(known(VIM_HEAD, VIM_TRAIN, NOTHING))
    found = residual.score(evidence_of([[0.0, 0.0]], [[2.0, 0.5]]))
    above = (1 / 3 - 1 / 2) / (math.sqrt(2) / 3) + 3
    assert found.tolist() == pytest.approx([-math.log(1 / 2 * (1 + math.exp(-above)))])


def test_sirc_ranks_saturated_probabilities() -> None:
    train = labelled(evidence_of([[0.0, 0.0]] * 2, [[1.0, 0.0], [-3.0, 0.0]]), [0, 1])
    baseline = SircNorm().fit(known(PLAIN_HEAD, train, NOTHING))
    low, high = baseline.score(evidence_of([[100.0, 0.0], [200.0, 0.0]])).tolist()
    assert 99 < low < high < 201


@pytest.mark.parametrize("baseline", [kind() for kind in SCORES.values() if kind.learns_from], ids=lambda one: one.name)
def test_a_score_before_its_fit_is_one_sentence(baseline: ConfidenceScore) -> None:
    with pytest.raises(FitError, match=f"{baseline.name} was not fitted"):
        baseline.score(evidence_of([[1.0, 0.0]]))


@pytest.mark.parametrize("baseline", [MaxLogitPNorm(), RelU()], ids=lambda one: one.name)
def test_learning_from_mistakes_needs_some(baseline: ConfidenceScore) -> None:
    with pytest.raises(FitError, match=f"{baseline.name} needs correct and wrong predictions"):
        baseline.fit(known(PLAIN_HEAD, NOTHING, labelled(evidence_of([[1.0, 0.0]] * 2), [0, 0])))
