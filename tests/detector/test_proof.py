"""A proof can not say that an engine judges alike where it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reason.detector.certificate import Certificate
from reason.detector.proof import EngineProof
from reason.errors import SettingsError
from reason.structure import build

CERTIFICATE = Certificate(0.05, 0.05, 1000, 0.04, 0.8, "a bound")
EXACT = EngineProof("fp32", "runtime 1.0", 256, 1e-5, 1.0, 0.7, None)
ROUNDED = EngineProof("bf16", "runtime 1.0", 1000, 0.02, 0.997, 0.71, CERTIFICATE)


@pytest.mark.parametrize("proof", [EXACT, ROUNDED])
def test_it_comes_back_from_json(proof: EngineProof) -> None:
    assert build(EngineProof, proof.to_dict()) == proof


@pytest.mark.parametrize(
    ("proof", "changes", "message"),
    [
        (EXACT, {"n": 255}, "n must be at least 256, not 255"),
        (EXACT, {"agreement": 0.999}, "agreement must be 1 in fp32: 0.10% of the decisions differ"),
        (EXACT, {"largest_difference": 2e-4}, "largest_difference must be at most 1e-04 in fp32, not 2.0e-04"),
        (EXACT, {"threshold": 1.5}, "threshold must be in 0 to 1"),
        (EXACT, {"largest_difference": float("nan")}, "largest_difference must be in 0 to 1, not nan"),
        (ROUNDED, {"agreement": 0.99}, r"agreement must be at least 99.5% in bf16: 99.00% are equal"),
        (ROUNDED, {"certificate": None}, "certificate must be there in bf16"),
    ],
)
def test_refusals(proof: EngineProof, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        replace(proof, **changes)
