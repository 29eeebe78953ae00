"""What MLflow opens a logged bundle with: images in a table to verdicts in a table.

MLflow imports this module by its name, calls ``_load_pyfunc`` and then ``predict`` of what that returns.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from reason.bundle import reading
from reason.data import images
from reason.detector.detector import Detector
from reason.detector.policy_request import PolicyRequest
from reason.detector.verdict import Verdict
from reason.errors import BrokenImageError, UnsupportedImageError

COLUMN = "image"
"""Column of the images: each the bytes of an image file, or the path of one."""

COLUMNS = {
    "class": "string",
    "class_index": "long",
    "confidence": "double",
    "reliability": "double",
    "decision": "string",
    "threshold": "double",
    "model": "string",
    "digest": "string",
}
"""Fields of a verdict that are columns of the answer, and MLflow's type of each."""

ERROR, FULL = "error", "verdict"
"""Further columns: why an image was not judged, and, where it is asked for, the whole verdict as JSON."""

BATCH = 32
"""Images that are decoded and judged at a time."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A detector as MLflow calls it."""

    detector: Detector

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Judge images.

        Args:
            model_input: a ``pandas.DataFrame`` with a column ``image``, a dictionary with that key, or the images one
                after the other; an image is the bytes of a file or its path.
            params: ``threshold``, or ``risk`` with or without ``delta``, as ``PolicyRequest`` takes them, instead of
                the bundle's own threshold; ``full`` adds a column with whole verdicts as JSON.

        Returns:
            A ``pandas.DataFrame`` with the columns ``COLUMNS`` and ``error``, a row for each image with the input's
            index. An image that cannot be read has nothing but its error, and the others are judged all the same.

        Raises:
            PolicyError: the parameters do not go together, or one is out of range.
            GuaranteeError: no threshold of this bundle guarantees the risk.
        """
        given = dict(params or {})
        full = bool(given.pop("full", False))
        policy = self.detector.policy(**asdict(PolicyRequest(**given)))
        values, index = _values(model_input)
        rows: list[dict[str, Any]] = []
        for first in range(0, len(values), BATCH):
            opened = [_open(value, first + i) for i, value in enumerate(values[first : first + BATCH])]
            good = [image for image in opened if not isinstance(image, str)]
            verdicts = iter(self.detector.predict_by(policy, good, batch_size=BATCH))
            rows += [{ERROR: image} if isinstance(image, str) else _row(next(verdicts), full) for image in opened]
        return _table(rows, [*COLUMNS, ERROR, *([FULL] if full else [])], index)


def signature() -> Any:
    """Return the columns and parameters of a model, as MLflow writes them beside it."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    numbers = [ParamSpec(name, DataType.double, None) for name in ("threshold", "risk", "delta")]
    answers = [ColSpec(kind, name, required=False) for name, kind in {**COLUMNS, ERROR: "string"}.items()]
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.binary, COLUMN)]),
        outputs=Schema(answers),
        params=ParamSchema([*numbers, ParamSpec("full", DataType.boolean, False)]),
    )


def example() -> Any:
    """Return a table with one grey picture."""
    import pandas

    data = io.BytesIO()
    Image.new("RGB", (8, 8), "grey").save(data, "PNG")
    return pandas.DataFrame({COLUMN: [data.getvalue()]})


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> Judge:
    """Open a model, as MLflow asks for it."""
    return Judge(reading.load(Path(path), **(model_config or {})))


def _values(model_input: Any) -> tuple[Sequence[Any], Any]:
    """Return the images and the index of the table that they are in."""
    import pandas

    if isinstance(model_input, Mapping):
        model_input = model_input[COLUMN]
    if isinstance(model_input, pandas.DataFrame):
        # A list without names becomes a table whose only column has another name.
        column = COLUMN if COLUMN in model_input.columns else model_input.columns[0]
        return model_input[column].tolist(), model_input.index
    return list(model_input), None


def _open(value: Any, row: int) -> Image.Image | str:
    """Return an image, or why it cannot be read."""
    if isinstance(value, bytearray | memoryview):
        value = bytes(value)
    if not isinstance(value, bytes | str | Path):
        return f"image {row}: is a {type(value).__name__}; give the bytes of an image file, or its path."
    try:
        return images.decode(value if isinstance(value, bytes) else Path(value), name=f"image {row}")
    except (UnsupportedImageError, BrokenImageError) as error:
        return str(error)


def _table(rows: list[dict[str, Any]], columns: list[str], index: Any) -> Any:
    """Return a table in which what is missing is ``None``: NaN is no JSON, which MLflow's server makes of it."""
    import pandas

    table = pandas.DataFrame(rows, columns=columns, index=index, dtype=object)
    table = table.where(table.notna(), None)
    whole = {name: table[name].infer_objects() for name in columns if table[name].notna().all()}
    return table.assign(**whole)


def _row(verdict: Verdict, full: bool) -> dict[str, Any]:
    facts = verdict.to_dict()
    return {name: facts[name] for name in COLUMNS} | ({FULL: verdict.to_json()} if full else {})
