"""The card of a bundle, `dataset_meta.json`: what it must look like, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from reason.base.taps import Tap
from reason.bundle import plain_json
from reason.bundle.digest import KEY, digest_of
from reason.bundle.faults import broken
from reason.data.images import Preprocessing
from reason.detector.certificate import Certificate
from reason.detector.proof import EngineProof
from reason.detector.provenance import Provenance
from reason.errors import BundleError
from reason.files import open_regular
from reason.signals import SignalSettings
from reason.structure import build

FORMAT = 3
"""Version of the format, which a reader must know to the digit; docs/bundle.md says when it changes."""

CONVERTIBLE = 2
"""Version that ``train/convert_bundle.py`` reads."""

Text = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Array = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,8}\[([0-9]{1,10}(,[0-9]{1,10}){0,7})?\]$")]
Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(max_length=8)]

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def built(kind: Any) -> PlainValidator:
    """Return what makes one of the library's own dataclasses, strictly: pydantic would let them decide how strict."""
    return PlainValidator(lambda table: build(kind, table))


class FileSeal(BaseModel):
    """What the card says of a file."""

    model_config = STRICT

    sha256: Digest
    bytes: Annotated[int, Field(ge=0, le=16_000_000_000)]
    arrays: Annotated[dict[Name, Array], Field(max_length=20_000)]
    """Type and shape of each array in it, such as ``F16[64,3,7,7]``."""


class ScoreShape(BaseModel):
    """Shape of ``reason.detector.heads.Score``."""

    model_config = STRICT

    kind: Literal["score"]
    column: Name
    """Name of a column of the meta-vector."""
    direction: Literal["trust", "doubt"]


class LogisticShape(BaseModel):
    """Shape of ``reason.detector.heads.Logistic``."""

    model_config = STRICT

    kind: Literal["logistic"]
    anchor: Name
    """Name of a column of the meta-vector."""


class MetaNetShape(BaseModel):
    """Shape of ``reason.detector.heads.MetaNet``, but for the number of columns."""

    model_config = STRICT

    kind: Literal["metanet"]
    hidden: Widths
    members: Annotated[int, Field(ge=1, le=64)]
    shortcut: bool
    scalar_members: Annotated[int, Field(ge=0, le=64)]
    scalar_hidden: Widths
    average: Literal["logits", "odds"]


HeadShape = Annotated[ScoreShape | LogisticShape | MetaNetShape, Field(discriminator="kind")]


class Calibration(BaseModel):
    """Platt scaling of the head's logit."""

    model_config = STRICT

    method: Literal["platt"]
    slope: Annotated[float, Field(gt=0, le=1e6)]
    intercept: Annotated[float, Field(ge=-1e6, le=1e6)]


class Card(BaseModel):
    """Everything that a bundle says of itself outside its arrays."""

    model_config = STRICT

    format: Literal[3]
    digest: Digest
    """The bundle's identity, see ``reason.bundle.digest``."""
    name: Annotated[str, Field(pattern=r"^[^\W_][\w .+-]{0,99}$")]
    """A plain file name, as figures and URLs are named after it."""
    title: Text
    architecture: Name
    arguments: Annotated[dict[Name, Any], Field(max_length=200)] = {}
    """What the architecture makes the network from, beside classes, dropout and channels."""
    head_module: Annotated[str, Field(max_length=200)] = ""
    """Dotted name of the network's head, where the architecture does not say it."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    classes: Annotated[tuple[Name, ...], Field(min_length=2, max_length=20_000)]
    taps: Annotated[tuple[Annotated[Tap, PlainValidator(Tap.from_dict)], ...], Field(max_length=100)]
    """Layers of the base classifier whose outputs are kept."""
    preprocessing: Annotated[Preprocessing, built(Preprocessing)]
    signals: Annotated[SignalSettings, built(SignalSettings)]
    meta_names: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100_000)]
    head: HeadShape
    """What judges the meta-vectors; cards of before heads had kinds call it ``metanet``."""
    calibration: Calibration
    threshold: Annotated[float, Field(ge=0, le=1)]
    certificate: Annotated[Certificate, built(Certificate)] | None
    provenance: Annotated[Provenance, built(Provenance)]
    """How the detector was made and measured."""
    engines: Annotated[dict[Name, Annotated[EngineProof, built(EngineProof)]], Field(max_length=10)] = {}
    """Engines other than PyTorch that may run the base classifier, and what was measured when they were allowed to."""
    files: Annotated[dict[Name, FileSeal], Field(max_length=20)]


def write(path: Path, values: dict[str, Any]) -> Card:
    """Put the digest into a card's values, write them, and return the card.

    Raises:
        BundleError: they are no valid card.
    """
    values = {**values, "format": FORMAT}
    values = {
        "format": FORMAT,
        KEY: digest_of(values),
        **{key: values[key] for key in values if key not in ("format", KEY)},
    }
    data = (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()
    card = parse(data, path)
    path.write_bytes(data)
    return card


def read(path: Path) -> Card:
    """Read and check a card.

    Raises:
        BundleError: it cannot be read, is of another format, has a value of a wrong type or out of range, a key too
            many or too few, or was altered.
    """
    try:
        with open_regular(path) as file:
            data = file.read(plain_json.LARGEST + 1)
    except OSError:
        raise broken(path, "missing or unreadable") from None
    return parse(data, path)


def parse(data: bytes, path: Path) -> Card:
    """Check the bytes of a card; ``path`` is its name, for messages.

    Raises:
        BundleError: see ``read``.
    """
    values = plain_json.parse(data, path)
    _check_format(values, path)
    try:
        card = Card.model_validate_json(_renamed(values, data))
    except ValidationError as error:
        raise broken(path, _first(error)) from None
    found = digest_of(values)
    if found != card.digest:
        raise broken(path, f"was altered (its digest is {found[:12]}…, and it says {card.digest[:12]}…)")
    return card


def _renamed(values: dict[str, Any], data: bytes) -> bytes:
    """Return the bytes of a card with ``head`` for the former key ``metanet``; its digest is that of before."""
    metanet = values.get("metanet")
    if "head" in values or not isinstance(metanet, dict) or "kind" in metanet:
        return data
    rest = {key: value for key, value in values.items() if key != "metanet"}
    return json.dumps(rest | {"head": {"kind": "metanet", **metanet}}).encode()


def _check_format(values: dict[str, Any], path: Path) -> None:
    found = values.get("format")
    if found == CONVERTIBLE:
        raise BundleError(
            f"{path}: bundle format {found} is no longer read; convert it, in a checkout of REASON, with "
            f"python train/convert_bundle.py {path.parent} NEW"
        )
    if found != FORMAT:
        raise BundleError(f"{path}: bundle format {str(found)[:20]!r} is not {FORMAT}; train the bundle again.")


def _first(error: ValidationError) -> str:
    """Return where the first fault is and what it is, in a line."""
    fault = error.errors(include_url=False)[0]
    where = ".".join(map(str, fault["loc"])) or "the card"
    text = fault["msg"].removeprefix("Value error, ").rstrip(".")
    text = text[:1].lower() + text[1:]
    found = fault["input"]
    seen = "" if isinstance(found, dict | list | tuple) else f", not {found!r}"[:60]
    return f"{where[:100]}: {text[:200]}{seen}"
