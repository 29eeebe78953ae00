"""The description of the REST interface, as OpenAPI 3.1; ``GET /openapi.json`` serves it."""

from __future__ import annotations

from typing import Any

from reason import __version__
from reason.data.corruptions import CORRUPTIONS
from reason.detector.verdict import Verdict
from reason.serving import problems
from reason.serving.parameters import NONE, SEED, SEVERITY
from reason.serving.problems import MEDIA_TYPE, ProblemDocument, ProblemType
from reason.serving.responses import (
    CorruptedVerdict,
    Failure,
    KnownCorruptions,
    LatentMap,
    Live,
    Model,
    ModelList,
    Ready,
    SamplePicture,
    reference,
    schemas,
)
from reason.serving.settings import Settings
from reason.serving.uploads import FIELDS

_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_OPEN_SHARE = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
_MODEL = {"type": "string", "description": "Which bundle; the default one if none is named."}
_PREDICT: dict[str, dict[str, Any]] = {
    "model": _MODEL,
    "threshold": {
        **_SHARE,
        "description": "Reliability from which predictions are accepted, instead of the bundle's own.",
    },
    "risk": {
        **_OPEN_SHARE,
        "description": "Accept from the threshold that guarantees at most this error rate among the accepted, instead "
        "of the bundle's own; excludes a threshold.",
    },
    "delta": {
        **_OPEN_SHARE,
        "description": "Allowed chance that the guarantee fails; the bundle's own if it is left out; only with a risk.",
    },
    "corruption": {
        "enum": [NONE, *CORRUPTIONS],
        "description": "Corrupt each picture, at the size of the model's input, before it is judged; "
        f"`{NONE}` corrupts nothing. The answer then shows what was judged.",
    },
    "severity": {**_SHARE, "default": SEVERITY, "description": "How badly; only with a corruption."},
    "seed": {
        "type": "integer",
        "minimum": 0,
        "default": SEED,
        "description": "Seed of the corruption's random draws; only with a corruption.",
    },
}


def document(settings: Settings) -> dict[str, Any]:
    """Return the OpenAPI document of a service that runs with these settings."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "REASON",
            "version": __version__,
            "summary": "How likely is each prediction of an image classifier to be right: accept or review.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": _paths(settings),
        "components": {"schemas": schemas()},
    }


def _paths(settings: Settings) -> dict[str, Any]:
    return {
        "/predict": {"post": _predict(settings)},
        "/models": {"get": _list_models()},
        "/models/{name}": {"get": _show_model()},
        "/models/{name}/map": {"get": _show_map()},
        "/corruptions": {"get": _list_corruptions()},
        "/samples": {"get": _sample()},
        "/health/live": {"get": _operation("live", "Does the process answer?", _json(reference(Live)))},
        "/health/ready": {
            "get": _operation(
                "ready",
                "Are the bundles loaded?",
                _json(reference(Ready)),
                problems.LOADING,
            )
        },
        "/openapi.json": {"get": _operation("openapi", "This document.", _json({"type": "object"}))},
        "/": {"get": _operation("page", "The page.", _file("text/html"))},
        "/static/{filename}": {"get": _static()},
        "/favicon.ico": {"get": _operation("favicon", "The icon of the page.", _file("image/svg+xml"))},
    }


def _predict(settings: Settings) -> dict[str, Any]:
    verdicts = [reference(Verdict), reference(CorruptedVerdict)]
    item = {"anyOf": [*verdicts, reference(Failure)]}
    answer = {"anyOf": [*verdicts, {"type": "array", "items": item}]}
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
        problems.NO_GUARANTEE,
        problems.LOADING,
        problems.BUSY,
        problems.TIMEOUT,
    )
    description = (
        f"At most {settings.max_images} images and {settings.max_upload_bytes:,} bytes a request, "
        f"{settings.max_pixels:,} pixels an image. One image is answered by a verdict; several by a list in "
        "their order, with status 200, in which an image that failed has a problem document in its place. "
        "With the parameter `corruption`, each verdict also carries the picture that was judged."
    )
    return operation | {
        "description": description,
        "parameters": [_parameter(name, schema) for name, schema in _PREDICT.items()],
        "requestBody": {"required": True, "content": _request_content()},
    }


def _request_content() -> dict[str, Any]:
    binary = {"type": "array", "items": {"type": "string", "contentMediaType": "image/*"}}
    properties: dict[str, Any] = dict.fromkeys(FIELDS, binary)
    properties |= _PREDICT
    return {
        "multipart/form-data": {"schema": {"type": "object", "properties": properties}},
        "image/*": {"schema": {}},
        "application/octet-stream": {"schema": {}},
    }


def _list_models() -> dict[str, Any]:
    return _operation("list_models", "Describe every model.", _json(reference(ModelList)), problems.LOADING)


def _show_model() -> dict[str, Any]:
    operation = _operation(
        "show_model",
        "Describe one model.",
        _json(reference(Model)),
        problems.UNKNOWN_MODEL,
        problems.LOADING,
    )
    return operation | {"parameters": [_path_parameter("name")]}


def _show_map() -> dict[str, Any]:
    operation = _operation(
        "show_map",
        "Where a model's predictions fail, as points in two dimensions.",
        _json(reference(LatentMap)),
        problems.UNKNOWN_MODEL,
        problems.NO_MAP,
        problems.LOADING,
    )
    return operation | {"parameters": [_path_parameter("name")]}


def _list_corruptions() -> dict[str, Any]:
    summary = "Describe every corruption that /predict can apply."
    return _operation("list_corruptions", summary, _json(reference(KnownCorruptions)))


def _sample() -> dict[str, Any]:
    operation = _operation(
        "sample",
        "A picture to try a model on.",
        _json(reference(SamplePicture)),
        problems.UNKNOWN_MODEL,
        problems.NO_SAMPLES,
        problems.BAD_PARAMETER,
        problems.LOADING,
    )
    index = {
        "type": "integer",
        "minimum": 0,
        "default": 0,
        "description": "Which of the samples; an answer says their count.",
    }
    return operation | {"parameters": [_parameter("model", _MODEL), _parameter("index", index)]}


def _static() -> dict[str, Any]:
    operation = _operation("static", "A file of the page.", _file("*/*"), problems.UNKNOWN_PATH)
    return operation | {"parameters": [_path_parameter("filename")]}


def _operation(name: str, summary: str, success: dict[str, Any], *kinds: ProblemType) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": success}
    for status in sorted({kind.status for kind in (*kinds, problems.INTERNAL)}):
        titles = [kind.title for kind in (*kinds, problems.INTERNAL) if kind.status == status]
        responses[str(status)] = {
            "description": "; ".join(titles) + ".",
            "content": {MEDIA_TYPE: {"schema": reference(ProblemDocument)}},
        }
    return {"operationId": name, "summary": summary, "responses": responses}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "The answer.", "content": {"application/json": {"schema": schema}}}


def _file(media_type: str) -> dict[str, Any]:
    return {"description": "The file.", "content": {media_type: {}}}


def _parameter(name: str, described: dict[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in described.items() if key != "description"}
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": described["description"],
        "schema": schema,
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
