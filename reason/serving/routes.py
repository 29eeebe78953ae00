"""The routes of the REST interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from reason.serving.models import Models
from reason.serving.openapi import document
from reason.serving.parameters import read_parameters
from reason.serving.predict import Judge
from reason.serving.problems import LOADING, Problem
from reason.serving.settings import Settings
from reason.serving.uploads import Upload, read_uploads
from reason.verdict import Verdict

api = Blueprint("api", __name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work with; ``app.extensions["reason"]``."""

    settings: Settings
    models: Models
    judge: Judge


def _service() -> Service:
    service: Service = current_app.extensions["reason"]
    return service


@api.post("/predict")
def predict() -> Response:
    """Judge the images of the request: one verdict, or a list in the order of the images."""
    service = _service()
    uploads = read_uploads(request, service.settings.max_images)
    parameters = read_parameters(request)
    model = service.models.get(parameters.model)
    answers = service.judge.judge(uploads, model, parameters.threshold)
    if len(answers) > 1:
        return jsonify([_item(upload, answer) for upload, answer in zip(uploads, answers, strict=True)])
    if isinstance(answers[0], Problem):
        raise answers[0]
    return jsonify(answers[0].to_dict())


def _item(upload: Upload, answer: Verdict | Problem) -> dict[str, Any]:
    if isinstance(answer, Problem):
        return {"source": upload.name, "error": answer.document()}
    return answer.to_dict()


@api.get("/models")
def list_models() -> Response:
    """Describe every model, and name the default one."""
    models = _service().models
    described = [model.detector.describe() for model in models.all().values()]
    return jsonify({"default": models.default, "models": described})


@api.get("/models/<name>")
def show_model(name: str) -> Response:
    """Describe one model."""
    return jsonify(_service().models.get(name).detector.describe())


@api.get("/health/live")
def live() -> Response:
    """Say that the process answers."""
    return jsonify({"status": "live"})


@api.get("/health/ready")
def ready() -> Response:
    """Say that the bundles are loaded, so that images can be judged."""
    models = _service().models
    if not models.loaded:
        raise Problem(LOADING, "The models are still being loaded.", {"Retry-After": "1"})
    return jsonify({"status": "ready", "models": list(models.all())})


@api.get("/openapi.json")
def openapi() -> Response:
    """Describe this interface, as OpenAPI 3.1."""
    return jsonify(document(_service().settings))
