"""Scores of the literature against their definitions in exact arithmetic, where a softmax would saturate too."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from reason.base.evidence import Evidence
from reason.signals.scores import Scores, log_odds_of

NAMES = [column.name for column in Scores.columns]

LOGITS = [
    [2.0, 1.0, 0.0, -1.0],
    [30.0, 1.0, 0.0, 5.0],
    [500.0, 0.0, -3.0, 20.0],
    [1.0, 1.0, 1.0, 1.0],
    [0.0, 0.0, -1.0, -1.0],
    [900.0, -10.0, 3.0, 0.0],
]


def columns(logits: list[list[float]]) -> dict[str, list[float]]:
    values = torch.tensor(logits)
    found = Scores().compute(Evidence(values, values))
    return dict(zip(NAMES, found.T.tolist(), strict=True))


def total(values: Iterable[Decimal]) -> Decimal:
    return sum(values, Decimal(0))


def exact(logits: list[float]) -> dict[str, float]:
    """Work the definitions out with 1,000 digits."""
    with localcontext(prec=1000, Emax=10**6, Emin=-(10**6)):
        z = [Decimal(value) for value in logits]
        p = [value.exp() / total(other.exp() for other in z) for value in z]
        gini = total(value**2 for value in p)
        centred = [value - total(z) / len(z) for value in z]
        length = total(abs(value) ** 5 for value in centred) ** Decimal("0.2")
        found = {
            "log_odds": (max(p) / total(sorted(p)[:-1])).ln(),
            "log_entropy": (-total(value * value.ln() for value in p)).ln(),
            "log_doctor": (gini / total(value * (1 - value) for value in p)).ln(),
            "log_gen": total((value * (1 - value)) ** Decimal("0.1") for value in p).ln(),
            "centred_max_logit": max(centred),
            "pnorm_max_logit": max(centred) / length if length else Decimal(0),
            "embedding_norm": total(value**2 for value in z).sqrt(),
        }
    return {name: float(value) for name, value in found.items()}


@pytest.mark.parametrize("row", range(len(LOGITS)))
def test_each_score_is_what_its_formula_says(row: int) -> None:
    found = {name: values[row] for name, values in columns(LOGITS).items()}
    assert found == pytest.approx(exact(LOGITS[row]), rel=2e-6, abs=1e-6)


def test_log_odds_rank_as_the_softmax_does_and_beyond() -> None:
    logits = torch.randn(500, 10, generator=torch.Generator().manual_seed(0)).double() * 3
    assert spearmanr(log_odds_of(logits), logits.softmax(dim=1).amax(dim=1)).statistic == pytest.approx(1)
    sure = torch.tensor([[40.0, 0.0, 0.0], [41.0, 0.0, 0.0], [200.0, 0.0, 0.0]])
    assert sure.softmax(dim=1).amax(dim=1).unique().numel() == 1
    assert (log_odds_of(sure.double()).diff() > 0).all()


def test_sure_predictions_still_differ_in_every_score_that_could_saturate() -> None:
    found = columns([[lead, 0.0, 0.0] for lead in (20.0, 40.0, 80.0, 600.0, 1200.0)])
    for name in ("log_odds", "log_doctor"):
        assert (np.diff(found[name]) > 1).all(), name
    for name in ("log_entropy", "log_gen"):
        assert (np.diff(found[name]) < -1).all(), name


def test_two_classes_and_many() -> None:
    two = columns([[3.0, 1.0]])
    assert two["log_odds"] == pytest.approx([2.0])
    assert two["pnorm_max_logit"] == pytest.approx([2 ** (-1 / 5)])
    many = torch.randn(2, 1000, generator=torch.Generator().manual_seed(1)).double()
    p = many.softmax(dim=1).sort(dim=1, descending=True).values[:, :100]
    expected = (p * (1 - p)).pow(0.1).sum(dim=1).log()
    found = Scores().compute(Evidence(many.float(), many.float()))[:, NAMES.index("log_gen")]
    assert found.numpy() == pytest.approx(expected.numpy(), rel=1e-5)
