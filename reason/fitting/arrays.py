"""Logits and embeddings of classifiers that run elsewhere: from arrays and files to evidence, checked."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from reason.base.evidence import Evidence, Labelled
from reason.errors import FitError

ArraySource = ArrayLike | Mapping[str, Any] | str | os.PathLike[str]
"""Logits ``[n, classes]``, or a mapping, an ``.npz`` or a Parquet file of ``logits`` and maybe ``embedding``."""

LOGITS, EMBEDDING, LABELS = "logits", "embedding", "labels"
"""Names of arrays in mappings and files."""

ROUNDING = 1e-3
"""How far rows of probabilities may be from a sum of 1."""


LARGEST = 1e9
"""Larger numbers cannot be squared and added up in single precision."""

FEW_ERRORS = 20
"""Wrong rows of a part below which a fit warns."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """Evidence of ``n`` predictions, and their true classes where the source holds them."""

    evidence: Evidence
    embedded: bool
    """Whether there are embeddings; else the logits stand for them."""
    labels: NDArray[Any] | None


def read_arrays(source: ArraySource) -> Arrays:
    """Read and check logits and embeddings.

    Logits of two classes may be given as one number a row, as scikit-learn's ``decision_function`` does. Logarithms of
    probabilities are logits.

    Raises:
        FitError: they are missing, not of the right shape, not finite, or probabilities.
    """
    if isinstance(source, str | os.PathLike):
        table: Mapping[str, Any] = _read_file(Path(source))
    else:
        table = source if isinstance(source, Mapping) else {LOGITS: source}
    if LOGITS not in table:
        raise FitError(f"no array is called {LOGITS!r} among {', '.join(map(str, table)) or 'none'}; name it so.")
    logits = _numbers(table[LOGITS], LOGITS)
    logits = np.column_stack([np.zeros(len(logits)), logits]) if logits.ndim == 1 else logits
    _check_logits(logits)
    given = table.get(EMBEDDING)
    embedding = logits if given is None else _numbers(given, EMBEDDING)
    if embedding.ndim != 2 or len(embedding) != len(logits) or embedding.shape[1] < 2:
        found = list(embedding.shape)
        raise FitError(f"embedding must be [{len(logits)}, features] with at least two features, not {found}.")
    evidence = Evidence(torch.from_numpy(logits).float(), torch.from_numpy(np.ascontiguousarray(embedding)).float())
    labels = table.get(LABELS)
    return Arrays(evidence, given is not None, None if labels is None else np.asarray(labels))


def class_numbers(y: ArrayLike | None, classes: Sequence[str], n: int) -> torch.Tensor:
    """Return true classes as numbers, int64 ``[n]``.

    Args:
        y: numbers from 0 on, in the order of the logits, or names of classes ``[n]``.
        classes: names in the order of the logits.
        n: number of rows of the logits.

    Raises:
        FitError: they are missing, of another length, or none of the classes.
    """
    if y is None:
        raise FitError(f"true classes are missing: give y, or an array called {LABELS!r} beside the logits.")
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise FitError(f"y must hold one true class a row, [{n}], not {list(labels.shape)}.")
    if labels.dtype.kind in "OUS":
        numbers = {name: number for number, name in enumerate(classes)}
        found = [numbers.get(str(label), -1) for label in labels.tolist()]
        labels = np.array(found, dtype=np.int64) if -1 not in found else labels
    if labels.dtype.kind not in "iub" and not (labels.dtype.kind == "f" and (labels == np.round(labels)).all()):
        unknown = next((str(label) for label in labels.tolist() if str(label) not in classes), labels.flat[0])
        raise FitError(
            f"y holds {str(unknown)[:60]!r}, which is no class; name the classes in the order of the logits."
        )
    labels = labels.astype(np.int64)
    if labels.min() < 0 or labels.max() >= len(classes):
        span = f"from {labels.min()} to {labels.max()}"
        raise FitError(f"y must be from 0 to {len(classes) - 1}, a column of the logits each, and goes {span}.")
    return torch.from_numpy(labels)


def check_outcomes(rows: Labelled) -> None:
    """Refuse rows of one class, or of one outcome.

    Raises:
        FitError: they are.
    """
    if len(rows.labels.unique()) == 1:
        raise FitError("y holds one class only, so that nothing is told of the others; give rows of all classes.")
    wrong = int((~rows.correct).sum())
    if wrong in (0, len(rows)):
        raise FitError(
            f"of {len(rows)} predictions {wrong} are wrong, so there is nothing to learn reliability from; give rows "
            "that the classifier did not train on, with classes in the order of the logits."
        )


def check_part(title: str, part: Labelled) -> None:
    """Refuse a part without right rows, and warn of one with few wrong ones.

    Raises:
        FitError: it is empty, or all rows are wrong.
    """
    wrong, n = int((~part.correct).sum()), len(part)
    if wrong == n:
        raise FitError(f"{title}: of {n} predictions {wrong} are wrong, which says nothing; give more rows.")
    if wrong < FEW_ERRORS:
        text = f"{title}: {wrong} of {n} predictions are wrong, so that what comes of them is rough; give more rows."
        warnings.warn(text, stacklevel=4)


def _check_logits(logits: NDArray[np.float64]) -> None:
    if logits.ndim != 2 or not len(logits) or logits.shape[1] < 2:
        raise FitError(f"logits must be [n, classes] with at least one row and two classes, not {list(logits.shape)}.")
    shares = logits.min() >= 0 and logits.max() <= 1
    if shares and np.allclose(logits.sum(axis=1), 1, atol=ROUNDING):
        raise FitError(
            "the logits are probabilities: their rows sum to 1; give the numbers before the softmax, or the logarithms "
            "of the probabilities (predict_log_proba in scikit-learn)."
        )


def _numbers(array: Any, name: str) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise FitError(f"{name} must be an array of numbers with as many in each row.") from None
    if not np.isfinite(numbers).all():
        count = int((~np.isfinite(numbers)).sum())
        raise FitError(f"{name} holds {count} numbers that are NaN or infinite; drop these rows, or clip them.")
    if numbers.size and max(numbers.max(), -numbers.min()) > LARGEST:
        raise FitError(f"{name} holds numbers above {LARGEST:g}, which no classifier gives; scale them.")
    return numbers


def _read_file(file: Path) -> Mapping[str, Any]:
    """Return the arrays of a file; no code in it is run."""
    if not file.is_file():
        raise FitError(f"{file}: no such file; give an .npz or a Parquet file that holds {LOGITS}.")
    if file.suffix.lower() in (".parquet", ".pq"):
        return _read_parquet(file)
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in (LOGITS, EMBEDDING, LABELS) if name in arrays}
    except (OSError, ValueError, TypeError, zipfile.BadZipFile):
        raise FitError(
            f"{file}: cannot be read as .npz; write it by numpy.savez({LOGITS}=..., {LABELS}=...)."
        ) from None


def _read_parquet(file: Path) -> Mapping[str, Any]:
    """Return the columns of a Parquet file; logits and embedding are lists of numbers, one a row."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise FitError(f"{file}: Parquet is read by pyarrow, which is not installed; give an .npz file.") from None
    try:
        names = [name for name in (LOGITS, EMBEDDING, LABELS) if name in parquet.read_schema(file).names]
        found: dict[str, Any] = parquet.read_table(file, columns=names).to_pydict()
    except (OSError, pyarrow.ArrowException) as error:
        raise FitError(f"{file}: cannot be read as Parquet ({str(error)[:100]}); write it again.") from None
    return found
