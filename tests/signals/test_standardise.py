"""Standardisation by hand, and texts that come back from bytes."""

from __future__ import annotations

import pytest
import torch

from reason.signals.standardise import CLIP, Standardisation
from reason.signals.texts import from_bytes, to_bytes


def test_columns_are_in_standard_deviations_from_their_mean() -> None:
    vectors = torch.tensor([[1.0, 10.0], [3.0, 10.0]])
    found = Standardisation.fit(vectors)
    assert found.mean.tolist() == [2, 10]
    assert found.deviation.tolist() == pytest.approx([2**0.5, 1e-6])
    # The second column never varies: it stays 0 where it was fitted, and is clipped anywhere else.
    assert found(vectors)[:, 1].tolist() == [0, 0]
    assert found(torch.tensor([[2 + 2**0.5, 11.0]])).tolist() == [pytest.approx([1, CLIP])]
    assert found(torch.tensor([[-1e9, -1e9]])).tolist() == [[-CLIP, -CLIP]]


@pytest.mark.parametrize("texts", [(), ("",), ("a", "", "längster Name"), ("n01/x.JPEG", "n01/y.JPEG")])
def test_texts_come_back_from_bytes(texts: tuple[str, ...]) -> None:
    found = to_bytes(texts)
    assert found.dtype == torch.uint8
    assert found.shape == (len(texts), max([1, *(len(text.encode()) for text in texts)]))
    assert from_bytes(found) == texts


def test_other_tensors_are_no_texts() -> None:
    with pytest.raises(ValueError, match=r"uint8 \[n, 1 to 4096\]"):
        from_bytes(torch.zeros(3, 2))
    with pytest.raises(ValueError, match="4096"):
        from_bytes(torch.zeros(1, 4097, dtype=torch.uint8))
    with pytest.raises(ValueError, match="utf-8"):
        from_bytes(torch.full((1, 2), 255, dtype=torch.uint8))
