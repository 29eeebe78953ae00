"""What the service answers besides verdicts; ``/openapi.json`` describes each by its docstrings."""

from __future__ import annotations

import base64
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AppliedCorruption:
    """How the picture was corrupted before it was judged."""

    name: str
    """Name of the corruption; ``none`` where nothing was changed."""
    severity: float
    """How badly, in [0, 1]."""
    seed: int
    """Seed of its random draws; the same one gives the same picture."""
    picture: str
    """Exactly the picture that was judged, as a ``data:`` URI of a PNG file."""


@dataclass(frozen=True, slots=True)
class KnownCorruption:
    """A corruption that ``POST /predict`` can apply."""

    name: str
    """What the parameter ``corruption`` takes."""
    family: str
    """Name of the group of corruptions that work alike."""
    summary: str
    """One sentence for people: what severity changes."""
    published: bool
    """Whether it is one of the four of the published failure detector."""


@dataclass(frozen=True, slots=True)
class SamplePicture:
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


def data_uri(data: bytes, media_type: str) -> str:
    """Return a file as a ``data:`` URI, which a page can show without another request."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
