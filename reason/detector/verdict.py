"""What one judged prediction says. The JSON of ``POST /predict`` is this, field for field."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import IO, Any, Literal

from reason.detector.certificate import Certificate

Decision = Literal["accept", "review"]

ACCEPT: Decision = "accept"
REVIEW: Decision = "review"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One of the base-train images nearest to the judged one in feature space, nearest first."""

    label: str
    """True class of the neighbour."""
    distance: float
    """Euclidean distance between embeddings scaled to unit length, in [0, 2]; smaller = more alike."""
    source: str
    """Name of the neighbour inside its data set, such as ``n02102040/ILSVRC2012_val_00000665.JPEG``."""

    __pydantic_config__ = {"use_attribute_docstrings": True}  # noqa: RUF012 (pydantic's own form)


def _key(attribute: str) -> str:
    """Return the key in JSON and CSV: ``class`` is no name that Python takes."""
    return attribute.rstrip("_")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One prediction of the base classifier, judged."""

    model: str
    """Name of the bundle that judged."""
    digest: str
    """Its identity: the SHA-256 over its card and files, as ``reason info`` shows it; empty when it was never saved."""
    source: str | None
    """File name of the image, where it has one."""
    class_: str
    """Predicted class; the key is ``class`` in JSON and CSV."""
    class_index: int
    """Index of the predicted class in the bundle's class list."""
    confidence: float
    """Softmax probability of the predicted class, in [0, 1]; not calibrated."""
    probabilities: dict[str, float]
    """Softmax probability of each class, in the bundle's order; they sum to 1."""
    reliability: float
    """Calibrated probability that the prediction is correct, in [0, 1]."""
    decision: Decision
    """``accept`` when ``reliability >= threshold``, else ``review``."""
    threshold: float
    """Reliability from which predictions are accepted, in [0, 1]."""
    certificate: Certificate | None
    """What the threshold guarantees; ``None`` when the caller set the threshold, or nothing could be guaranteed."""
    diagnostics: dict[str, float]
    """Each scalar signal by name, in its own unit."""
    meta_names: tuple[str, ...]
    """Name of each column of ``meta_vector``."""
    meta_vector: tuple[float, ...]
    """Every signal of the image, in the bundle's fixed order, before standardisation."""
    neighbours: tuple[Neighbour, ...]
    """Nearest base-train images; empty when the recipe has no bank."""
    latent: tuple[float, float] | None
    """Place of the image on the bundle's latent map; ``None`` when the bundle has none."""
    timings_ms: dict[str, float] = field(compare=False)
    """Wall-clock milliseconds by stage (``decode``, ``forward``, ``signals``, ``judge``, ``total``).

    Stages that ran on a batch report the batch's time divided by its size.
    """

    __pydantic_config__ = {"use_attribute_docstrings": True, "alias_generator": _key}  # noqa: RUF012

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, keys in the order of the fields."""
        return {name: _plain(getattr(self, attribute)) for name, attribute in _KEYS.items()}

    def to_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


_KEYS = {_key(attribute.name): attribute.name for attribute in fields(Verdict)}


def _plain(value: Any) -> Any:
    if isinstance(value, Neighbour | Certificate):
        return asdict(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def write_csv(verdicts: Iterable[Verdict], file: IO[str]) -> None:
    """Write one row a verdict, under a header; nested fields become ``field.name`` columns.

    ``probabilities``, ``diagnostics``, ``certificate`` and ``timings_ms`` give one column a key, the
    meta-vector one column a name, and the neighbours one JSON column.
    """
    writer: csv.DictWriter[str] | None = None
    for verdict in verdicts:
        row = _flat(verdict)
        if writer is None:
            writer = csv.DictWriter(file, fieldnames=list(row))
            writer.writeheader()
        writer.writerow(row)


def _flat(verdict: Verdict) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in verdict.to_dict().items():
        if key == "meta_names":
            continue
        if key == "meta_vector":
            row |= {f"meta.{name}": column for name, column in zip(verdict.meta_names, value, strict=True)}
        elif key == "latent":
            row |= {"latent.x": value[0] if value else "", "latent.y": value[1] if value else ""}
        elif key == "neighbours":
            row[key] = json.dumps(value, ensure_ascii=False)
        elif key == "certificate":
            names = [attribute.name for attribute in fields(Certificate)]
            row |= {f"{key}.{name}": value[name] if value else "" for name in names}
        elif isinstance(value, dict):
            row |= {f"{key}.{name}": item for name, item in value.items()}
        else:
            row[key] = value
    return row
