"""Files of logits, embeddings and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reason.errors import FitError
from reason.fitting.arrays import read_arrays

LOGITS = np.array([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0]])


def test_a_table_of_parquet_holds_lists(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    embedding = [[1.0, 2.0], [3.0, 4.0]]
    table = pyarrow.table({"logits": LOGITS.tolist(), "embedding": embedding, "labels": ["a", "b"], "more": [1, 2]})
    parquet.write_table(table, tmp_path / "rows.parquet")
    found = read_arrays(tmp_path / "rows.parquet")
    assert found.evidence.logits.tolist() == LOGITS.tolist()
    assert found.evidence.embedding.tolist() == embedding
    assert found.labels is not None
    assert found.labels.tolist() == ["a", "b"]
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(FitError, match=r"broken\.parquet: cannot be read as Parquet"):
        read_arrays(tmp_path / "broken.parquet")


def test_a_file_of_numpy_holds_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", logits=LOGITS)
    found = read_arrays(str(tmp_path / "rows.npz"))
    assert found.evidence.embedding.tolist() == LOGITS.tolist()
    assert not found.embedded
    assert found.labels is None


def test_one_number_a_row_is_the_lead_of_the_second_class() -> None:
    assert read_arrays([1.5, -2.0]).evidence.logits.tolist() == [[0.0, 1.5], [0.0, -2.0]]


def test_logarithms_of_probabilities_are_logits() -> None:
    shares = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    assert read_arrays(np.log(shares)).evidence.logits.softmax(dim=1).numpy() == pytest.approx(shares)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("none.npz", None, "no such file; give an .npz or a Parquet file"),
        ("text.npz", b"hello", r"cannot be read as \.npz; write it by numpy\.savez"),
        ("zip.npz", b"PK\x03\x04 and then nothing", r"cannot be read as \.npz"),
    ],
)
def test_files_that_hold_nothing_are_named(tmp_path: Path, name: str, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(FitError, match=message):
        read_arrays(tmp_path / name)


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", logits=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FitError, match="cannot be read"):
        read_arrays(tmp_path / "rows.npz")


def test_a_single_array_is_no_table(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", LOGITS)
    with pytest.raises(FitError, match="cannot be read as"):
        read_arrays(tmp_path / "rows.npy")


def test_a_mapping_without_logits_is_named() -> None:
    with pytest.raises(FitError, match=r"^no array is called 'logits' among scores, embedding; name it so"):
        read_arrays({"scores": LOGITS, "embedding": LOGITS})
