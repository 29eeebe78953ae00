"""What the service answers; ``/openapi.json`` describes each by its docstrings."""

from __future__ import annotations

import base64
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from reason.detector.certificate import Certificate
from reason.detector.verdict import Neighbour, Verdict
from reason.serving.problems import ProblemDocument
from reason.signals.base import Direction


def reference(published: type) -> dict[str, Any]:
    """Return a schema that stands for the one of a published class."""
    return {"$ref": f"#/components/schemas/{published.__name__}"}


class _Response(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class AppliedCorruption(_Response):
    """How the picture was corrupted before it was judged."""

    name: str
    """Name of the corruption; ``none`` where nothing was changed."""
    severity: float
    """How badly, in [0, 1]."""
    seed: int
    """Seed of its random draws; the same one gives the same picture."""
    picture: str
    """Exactly the picture that was judged, as a ``data:`` URI of a PNG file."""


class CorruptedVerdict(_Response):
    """A verdict with the picture that was judged."""

    model_config = ConfigDict(json_schema_extra={"allOf": [reference(Verdict)]})

    corruption: AppliedCorruption
    """How the picture was corrupted, and the picture."""


class Failure(_Response):
    """Stands in a list in the place of an image that could not be judged."""

    source: str | None
    """File name of the image, where it has one."""
    error: ProblemDocument
    """Why; its ``status`` is what the image would have got alone."""


class KnownCorruption(_Response):
    """A corruption that ``POST /predict`` can apply."""

    name: str
    """What the parameter ``corruption`` takes."""
    family: str
    """Name of the group of corruptions that work alike."""
    summary: str
    """One sentence for people: what severity changes."""
    published: bool
    """Whether it is one of the four of the published failure detector."""


class KnownCorruptions(_Response):
    """The corruptions that ``POST /predict`` can apply."""

    corruptions: list[KnownCorruption]
    """Each of them, family by family."""
    families: list[str]
    """Every family, in order."""


class Input(_Response):
    """What a base classifier sees of a picture."""

    size: int
    """Side of the square, in pixels."""
    mode: str
    """``RGB`` for colours, ``L`` for grey."""


class SignalColumn(_Response):
    """One column of the meta-vector."""

    name: str
    """Its name in ``meta_names`` and ``diagnostics``."""
    label: str
    """What people read instead of the name."""
    unit: str
    """Unit of the values, such as ``share`` or ``nats``; empty for none."""
    direction: Direction
    """What a larger value says: more trustworthy, less trustworthy, or neither by itself."""
    help: str
    """One or two sentences about what the value means."""
    section: str
    """Title of the part of the family that the column belongs to; empty where the family has no parts."""


class SignalFamilyDescription(_Response):
    """A group of signals that are computed together."""

    name: str
    """As recipes write it."""
    title: str
    """What people read instead of the name."""
    help: str
    """What the family measures."""
    raw: bool
    """Whether its columns are raw features, which are no diagnostics."""
    diagnostic: bool
    """Whether its columns are in ``diagnostics``."""
    requires: list[str]
    """What it reads beyond logits and embedding."""
    columns: list[SignalColumn]
    """Its columns, in the order of the meta-vector."""


class Model(_Response):
    """What a bundle says of itself; what it says of its making besides is free in form."""

    model_config = ConfigDict(extra="allow")

    name: str
    """What the parameter ``model`` takes."""
    title: str
    """One line for people."""
    digest: str
    """Identity of the bundle: the SHA-256 over its card and files, which every verdict of it carries."""
    architecture: str
    """Network of the base classifier; empty where it is not one of those that REASON builds."""
    classes: list[str]
    """Every class, in the order of their indices."""
    input: Input
    """Size and mode of the pictures that the base classifier sees."""
    signals: list[str]
    """Signal families, in the order of their columns."""
    meta_names: list[str]
    """Name of each column of the meta-vector."""
    signal_families: list[SignalFamilyDescription]
    """What each signal means, family by family in the order of their columns."""
    threshold: float
    """Reliability from which predictions are accepted, in [0, 1]."""
    certificate: Certificate | None
    """What the threshold guarantees; ``null`` for nothing."""
    engine: str
    """What runs the base classifier; threshold and certificate are those that hold with it."""


class ModelList(_Response):
    """Every model."""

    default: str
    """Model that judges when a request names none."""
    models: list[Model]
    """Each model, in the order of names."""


class LatentMap(_Response):
    """Calibration images on the first two principal components of the base classifier's inside.

    A verdict's ``latent`` is a place on it.
    """

    model: str
    """Name of the bundle."""
    points: list[tuple[float, float]]
    """Place [x, y] of each calibration image."""
    failure_probability: list[float]
    """1 - reliability of each image, in [0, 1]."""
    correct: list[bool]
    """Whether the prediction of each image is right."""
    explained_variance: tuple[float, float]
    """Share of the variance along x and along y, in [0, 1]."""


class SamplePicture(_Response):
    """A picture to try a model on."""

    model: str
    """Model that it is for."""
    index: int
    """Its place among the samples, from 0."""
    count: int
    """How many samples there are."""
    source: str
    """Data set or package that it is from."""
    label: str | None
    """True class, where it is known."""
    name: str
    """Its name inside the source."""
    picture: str
    """The picture as a ``data:`` URI of a PNG or JPEG file."""


class Live(_Response):
    """The process answers."""

    status: str
    """Always ``live``."""


class Ready(_Response):
    """The bundles are loaded."""

    status: str
    """Always ``ready``."""
    models: list[str]
    """Name of each model."""


_ANSWERS: Literal["serialization"] = "serialization"
_OF_THE_LIBRARY: tuple[Any, ...] = (Verdict, Neighbour, Certificate, ProblemDocument)


def schemas() -> dict[str, Any]:
    """Return the JSON Schema of each class of an answer by its name; every model of this file is one."""
    own = [model for model in _Response.__subclasses__() if model.__module__ == __name__]
    adapters = [(published, _ANSWERS, TypeAdapter(published)) for published in (*_OF_THE_LIBRARY, *own)]
    _, document = TypeAdapter.json_schemas(adapters, ref_template="#/components/schemas/{model}")
    return dict(document["$defs"])


def data_uri(data: bytes, media_type: str) -> str:
    """Return a file as a ``data:`` URI, which a page can show without another request."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
