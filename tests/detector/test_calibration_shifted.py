"""Calibration where a slope cannot be told: the mean reliability follows the rule of succession."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reason.detector.calibration import Platt


def test_equal_logits_get_the_accuracy_seen_with_one_more_of_each_outcome() -> None:
    platt = Platt.shifted(torch.full((8,), 3.0), torch.ones(8, dtype=torch.bool))
    assert platt.slope == 1
    assert platt(torch.tensor([3.0])).item() == pytest.approx(9 / 10, abs=1e-6)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=40), st.data())
def test_the_mean_reliability_is_that_of_the_rule_of_succession(logits: list[float], data: st.DataObject) -> None:
    correct = data.draw(st.lists(st.booleans(), min_size=len(logits), max_size=len(logits)))
    platt = Platt.shifted(torch.tensor(logits), torch.tensor(correct))
    mean = platt(torch.tensor(logits, dtype=torch.float64)).mean().item()
    assert mean == pytest.approx((sum(correct) + 1) / (len(correct) + 2), abs=1e-6)
