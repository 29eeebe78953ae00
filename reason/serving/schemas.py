"""The schemas that the description of the REST interface refers to by name."""

from __future__ import annotations

from typing import Any

from reason.detector.certificate import Certificate
from reason.detector.verdict import Neighbour, Verdict
from reason.serving import problems
from reason.serving.responses import AppliedCorruption, KnownCorruption, SamplePicture
from reason.serving.schema import schemas_of


def schemas() -> dict[str, Any]:
    """Return every schema by its name."""
    return {
        **schemas_of(Verdict, Neighbour, Certificate, AppliedCorruption, KnownCorruption, SamplePicture),
        "CorruptedVerdict": _corrupted_verdict_schema(),
        "LatentMap": _map_schema(),
        "Model": _model_schema(),
        "Problem": _problem_schema(),
        "Failure": _failure_schema(),
    }


def reference(name: str) -> dict[str, Any]:
    """Return a schema that stands for the one of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _model_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "What a bundle says of itself: classes, input, signals, threshold, metrics.",
        "properties": {
            "name": {"type": "string"},
            "classes": {"type": "array", "items": {"type": "string"}},
            "threshold": {"type": "number"},
        },
        "required": ["name", "classes", "threshold"],
    }


def _corrupted_verdict_schema() -> dict[str, Any]:
    properties = {"corruption": reference("AppliedCorruption")}
    return {
        "description": "A verdict with the picture that was judged.",
        "allOf": [reference("Verdict"), {"type": "object", "properties": properties, "required": ["corruption"]}],
    }


def _map_schema() -> dict[str, Any]:
    numbers = {"type": "array", "items": {"type": "number"}}
    properties = {
        "model": {"type": "string", "description": "Name of the bundle."},
        "points": {"type": "array", "items": numbers, "description": "Place [x, y] of each calibration image."},
        "failure_probability": numbers | {"description": "1 - reliability of each image, in [0, 1]."},
        "correct": {
            "type": "array",
            "items": {"type": "boolean"},
            "description": "Whether the prediction of each image is right.",
        },
        "explained_variance": numbers | {"description": "Share of the variance along x and along y, in [0, 1]."},
    }
    return {
        "type": "object",
        "description": "Calibration images on the first two principal components of the base classifier's inside; "
        "a verdict's `latent` is a place on it.",
        "properties": properties,
        "required": list(properties),
    }


def _problem_schema() -> dict[str, Any]:
    types = ["about:blank", *(kind.uri for kind in problems.KINDS)]
    properties = {
        "type": {"enum": types, "description": "The kind of problem; compare this, not the texts."},
        "title": {"type": "string", "description": "The kind in words, the same each time."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What was wrong with this request and what to do."},
        "instance": {"type": "string", "description": "Path of the request."},
        "request_id": {"type": "string", "description": "Id of the request in the log of the service."},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _failure_schema() -> dict[str, Any]:
    properties = {
        "source": {"type": ["string", "null"], "description": "File name of the image, where it has one."},
        "error": reference("Problem"),
    }
    return {
        "type": "object",
        "description": "Stands in a list in the place of an image that could not be judged.",
        "properties": properties,
        "required": list(properties),
    }
