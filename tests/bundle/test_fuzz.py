"""Mutated bundles are refused or judge; `python -m tests.bundle.fuzz` goes on for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fuzz import fuzz


@pytest.mark.slow
@pytest.mark.parametrize("carried", [False, True], ids=["network", "graph"])
def test_mutated_bundles_are_refused_or_judge(carried: bool, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue("carried_folder" if carried else "bundle_folder")
    found = fuzz(folder, count=120, seed=20)
    assert found.failures == []
    assert sum(found.outcomes.values()) == 120
    assert found.outcomes["refused"] > 60
    assert found.outcomes["equal"] + found.outcomes["another"] > 5
