"""Errors as clients see them: ``application/problem+json`` documents of RFC 9457."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from flask import Flask, Response, current_app, request
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import RequestRedirect

from reason.errors import (
    BrokenImageError,
    CorruptionError,
    GuaranteeError,
    PolicyError,
    ReasonError,
    SampleError,
    UnsupportedImageError,
)
from reason.serving.telemetry import request_id

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger("reason.service")


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One type of problem: what ``type``, ``status`` and ``title`` say."""

    slug: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """The ``type`` member: a stable name that clients may compare."""
        return f"urn:reason:problem:{self.slug}"


NO_IMAGE = ProblemType("no-image", 400, "No image in the request")
UNKNOWN_PATH = ProblemType("unknown-path", 404, "Nothing at this address")
UNKNOWN_MODEL = ProblemType("unknown-model", 404, "No such model")
NO_MAP = ProblemType("no-map", 404, "This model has no latent map")
NO_SAMPLES = ProblemType("no-samples", 404, "No samples for this model")
WRONG_METHOD = ProblemType("wrong-method", 405, "Method not allowed here")
UPLOAD_TOO_LARGE = ProblemType("upload-too-large", 413, "Upload too large")
TOO_MANY_IMAGES = ProblemType("too-many-images", 413, "Too many images in one request")
UNSUPPORTED = ProblemType("unsupported-image", 415, "Not an image format the service takes")
BROKEN_IMAGE = ProblemType("broken-image", 422, "Image broken or absurd")
BAD_PARAMETER = ProblemType("bad-parameter", 422, "Parameter unknown or out of range")
NO_GUARANTEE = ProblemType("no-promise", 422, "No threshold guarantees this risk")  # the name that clients compare
INTERNAL = ProblemType("internal", 500, "The service failed")
LOADING = ProblemType("loading", 503, "The models are still being loaded")
BUSY = ProblemType("busy", 503, "The service is busy")
TIMEOUT = ProblemType("timeout", 503, "The verdict took too long")

PROBLEM_TYPES = (
    NO_IMAGE,
    UNKNOWN_PATH,
    UNKNOWN_MODEL,
    NO_MAP,
    NO_SAMPLES,
    WRONG_METHOD,
    UPLOAD_TOO_LARGE,
    TOO_MANY_IMAGES,
    UNSUPPORTED,
    BROKEN_IMAGE,
    BAD_PARAMETER,
    NO_GUARANTEE,
    INTERNAL,
    LOADING,
    BUSY,
    TIMEOUT,
)
"""Every type that the service itself names; other HTTP errors have the type ``about:blank``."""


class ProblemDocument(BaseModel):
    """Why a request, or one image of it, failed: a problem document of RFC 9457."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: str = Field(json_schema_extra={"enum": ["about:blank", *(known.uri for known in PROBLEM_TYPES)]})
    """The type of problem; compare this, not the texts."""
    title: str
    """The type in words, the same each time."""
    status: int
    """The HTTP status."""
    detail: str
    """What was wrong with this request and what to do."""
    instance: str
    """Path of the request."""
    request_id: str
    """Id of the request in the log of the service."""


class Problem(Exception):  # noqa: N818 (the word of RFC 9457)
    """A request, or one image of it, that failed for a reason the client should read."""

    def __init__(self, problem_type: ProblemType, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.type = problem_type
        self.detail = detail
        self.headers = dict(headers or {})

    def document(self) -> ProblemDocument:
        """Return the problem document of this request."""
        return _document(self.type.uri, self.type.title, self.type.status, self.detail)

    def response(self) -> Response:
        """Return the answer that carries the document."""
        return _response(self.document(), self.headers)


def from_error(error: ReasonError) -> Problem:
    """Turn an error of the library into the problem that a client sees."""
    if isinstance(error, UnsupportedImageError):
        return Problem(UNSUPPORTED, str(error))
    if isinstance(error, BrokenImageError):
        return Problem(BROKEN_IMAGE, str(error))
    if isinstance(error, CorruptionError | PolicyError):
        return Problem(BAD_PARAMETER, str(error))
    if isinstance(error, GuaranteeError):
        return Problem(NO_GUARANTEE, str(error))
    if isinstance(error, SampleError):
        return Problem(NO_SAMPLES, str(error))
    return internal(error)


def internal(error: BaseException) -> Problem:
    """Log an unforeseen error with its traceback; tell the client only the request id."""
    _log.error("request %s failed", request_id(), exc_info=error)
    return Problem(INTERNAL, f"An unforeseen error; its trace is in the log under request {request_id()}.")


def register(app: Flask) -> None:
    """Make every error of the app a problem document."""
    app.register_error_handler(Problem, Problem.response)
    app.register_error_handler(ReasonError, lambda error: from_error(error).response())
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, lambda error: internal(error).response())


def _from_http(error: HTTPException) -> Response | HTTPException:
    if isinstance(error, RequestRedirect):
        return error
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    status = error.code or 500
    if status == 404:
        return Problem(UNKNOWN_PATH, f"Nothing at {_path()}; GET /openapi.json lists the routes.").response()
    if status == 405:
        detail = f"{_path()} does not take {request.method}; it takes {headers.get('Allow', 'other methods')}."
        return Problem(WRONG_METHOD, detail, headers).response()
    if isinstance(error, RequestEntityTooLarge):
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        detail = f"A request may be at most {limit:,} bytes; send fewer or smaller images."
        return Problem(UPLOAD_TOO_LARGE, detail).response()
    document = _document("about:blank", error.name, status, error.description or error.name)
    return _response(document, headers)


def _path() -> str:
    return quote(request.path)


def _document(uri: str, title: str, status: int, detail: str) -> ProblemDocument:
    return ProblemDocument(
        type=uri, title=title, status=status, detail=detail, instance=_path(), request_id=request_id()
    )


def _response(document: ProblemDocument, headers: Mapping[str, str]) -> Response:
    return Response(document.model_dump_json() + "\n", document.status, headers, content_type=MEDIA_TYPE)
