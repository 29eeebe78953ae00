"""The description of the REST interface, as OpenAPI 3.1; ``GET /openapi.json`` serves it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from reason.serving import problems
from reason.serving.problems import MEDIA_TYPE, Kind
from reason.serving.schema import schemas_of
from reason.serving.settings import Settings
from reason.serving.uploads import FIELDS
from reason.verdict import Certificate, Neighbour, Verdict


def document(settings: Settings) -> dict[str, Any]:
    """Return the OpenAPI document of a service that runs with these settings."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "REASON",
            "version": _version(),
            "summary": "How likely is each prediction of an image classifier to be right: accept or review.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            "/predict": {"post": _predict(settings)},
            "/models": {"get": _list_models()},
            "/models/{name}": {"get": _show_model()},
            "/health/live": {"get": _operation("live", "Does the process answer?", _json({"type": "object"}))},
            "/health/ready": {
                "get": _operation(
                    "ready",
                    "Are the bundles loaded?",
                    _json({"type": "object"}),
                    problems.LOADING,
                )
            },
            "/openapi.json": {"get": _operation("openapi", "This document.", _json({"type": "object"}))},
            "/": {"get": _operation("page", "The page.", _file("text/html"))},
            "/static/{filename}": {"get": _static()},
            "/favicon.ico": {"get": _operation("favicon", "The icon of the page.", _file("image/svg+xml"))},
        },
        "components": {
            "schemas": {
                **schemas_of(Verdict, Neighbour, Certificate),
                "Model": _model_schema(),
                "Problem": _problem_schema(),
                "Failure": _failure_schema(),
            }
        },
    }


def _version() -> str:
    try:
        return version("reason")
    except PackageNotFoundError:
        return "0"


def _predict(settings: Settings) -> dict[str, Any]:
    item = {"anyOf": [_reference("Verdict"), _reference("Failure")]}
    answer = {"anyOf": [_reference("Verdict"), {"type": "array", "items": item}]}
    operation = _operation(
        "predict",
        "Judge one image or several.",
        _json(answer),
        problems.NO_IMAGE,
        problems.UNKNOWN_MODEL,
        problems.UPLOAD_TOO_LARGE,
        problems.TOO_MANY_IMAGES,
        problems.UNSUPPORTED,
        problems.BROKEN_IMAGE,
        problems.BAD_PARAMETER,
        problems.LOADING,
        problems.BUSY,
        problems.TIMEOUT,
    )
    description = (
        f"At most {settings.max_images} images and {settings.max_upload_bytes:,} bytes a request, "
        f"{settings.max_pixels:,} pixels an image. One image is answered by a verdict; several by a list in "
        "their order, with status 200, in which an image that failed has a problem document in its place."
    )
    return operation | {
        "description": description,
        "parameters": [
            _parameter("model", "Which bundle judges.", {"type": "string"}),
            _parameter(
                "threshold",
                "Reliability from which predictions are accepted, instead of the bundle's own.",
                {"type": "number", "minimum": 0, "maximum": 1},
            ),
        ],
        "requestBody": {"required": True, "content": _request_content()},
    }


def _request_content() -> dict[str, Any]:
    binary = {"type": "array", "items": {"type": "string", "contentMediaType": "image/*"}}
    properties: dict[str, Any] = dict.fromkeys(FIELDS, binary)
    properties |= {"model": {"type": "string"}, "threshold": {"type": "number", "minimum": 0, "maximum": 1}}
    return {
        "multipart/form-data": {"schema": {"type": "object", "properties": properties}},
        "image/*": {"schema": {}},
        "application/octet-stream": {"schema": {}},
    }


def _list_models() -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "default": {"type": "string", "description": "Model that judges when a request names none."},
            "models": {"type": "array", "items": _reference("Model")},
        },
        "required": ["default", "models"],
    }
    return _operation("list_models", "Describe every model.", _json(schema), problems.LOADING)


def _show_model() -> dict[str, Any]:
    operation = _operation(
        "show_model",
        "Describe one model.",
        _json(_reference("Model")),
        problems.UNKNOWN_MODEL,
        problems.LOADING,
    )
    return operation | {"parameters": [_path_parameter("name")]}


def _static() -> dict[str, Any]:
    operation = _operation("static", "A file of the page.", _file("*/*"), problems.UNKNOWN_PATH)
    return operation | {"parameters": [_path_parameter("filename")]}


def _operation(name: str, summary: str, success: dict[str, Any], *kinds: Kind) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": success}
    for status in sorted({kind.status for kind in (*kinds, problems.INTERNAL)}):
        titles = [kind.title for kind in (*kinds, problems.INTERNAL) if kind.status == status]
        responses[str(status)] = {
            "description": "; ".join(titles) + ".",
            "content": {MEDIA_TYPE: {"schema": _reference("Problem")}},
        }
    return {"operationId": name, "summary": summary, "responses": responses}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "The answer.", "content": {"application/json": {"schema": schema}}}


def _file(media_type: str) -> dict[str, Any]:
    return {"description": "The file.", "content": {media_type: {}}}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _parameter(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


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
        "error": _reference("Problem"),
    }
    return {
        "type": "object",
        "description": "Stands in a list in the place of an image that could not be judged.",
        "properties": properties,
        "required": list(properties),
    }
