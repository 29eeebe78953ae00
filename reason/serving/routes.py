"""The routes of the REST interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from pydantic import BaseModel

from reason.data.corruptions import CORRUPTIONS, PUBLISHED, families
from reason.data.datasets import find_samples
from reason.data.images import to_png
from reason.data.samples import Samples
from reason.detector.detector import Detector
from reason.serving.models import Models
from reason.serving.openapi import document
from reason.serving.parameters import NONE, Parameters, read_parameters, read_sample_parameters
from reason.serving.predict import Predicted, Predictor
from reason.serving.problems import BAD_PARAMETER, LOADING, NO_MAP, NO_SAMPLES, Problem
from reason.serving.responses import (
    AppliedCorruption,
    Failure,
    KnownCorruption,
    KnownCorruptions,
    LatentMap,
    Live,
    Model,
    ModelList,
    Ready,
    SamplePicture,
    data_uri,
)
from reason.serving.settings import Settings
from reason.serving.uploads import Upload, read_uploads

api = Blueprint("api", __name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work with; ``app.extensions["reason"]``."""

    settings: Settings
    models: Models
    predictor: Predictor


def _service() -> Service:
    service: Service = current_app.extensions["reason"]
    return service


def _json(answer: BaseModel) -> Response:
    return jsonify(answer.model_dump())


@api.post("/predict")
def predict() -> Response:
    """Judge the images of the request: one verdict, or a list in the order of the images."""
    service = _service()
    uploads = read_uploads(request, service.settings.max_images)
    parameters = read_parameters(request)
    model = service.models.get(parameters.model)
    answers = service.predictor.predict(uploads, model, parameters)
    if len(answers) > 1:
        return jsonify([_item(upload, answer, parameters) for upload, answer in zip(uploads, answers, strict=True)])
    if isinstance(answers[0], Problem):
        raise answers[0]
    return jsonify(_plain(answers[0], parameters))


def _item(upload: Upload, answer: Predicted | Problem, parameters: Parameters) -> dict[str, Any]:
    if isinstance(answer, Problem):
        return Failure(source=upload.name, error=answer.document()).model_dump()
    return _plain(answer, parameters)


def _plain(predicted: Predicted, parameters: Parameters) -> dict[str, Any]:
    verdict = predicted.verdict.to_dict()
    if not parameters.picture:
        return verdict
    asked = parameters.corruption
    name, severity, seed = (NONE, 0.0, 0) if asked is None else (asked.name, asked.severity, asked.seed)
    picture = data_uri(to_png(predicted.picture), "image/png")
    applied = AppliedCorruption(name=name, severity=severity, seed=seed, picture=picture)
    return verdict | {"corruption": applied.model_dump()}


@api.get("/corruptions")
def list_corruptions() -> Response:
    """Describe every corruption that a picture can get before it is judged."""
    known = [
        KnownCorruption(name=c.name, family=c.family, summary=c.summary, published=c.name in PUBLISHED)
        for c in CORRUPTIONS.values()
    ]
    return _json(KnownCorruptions(corruptions=known, families=list(families())))


@api.get("/models")
def list_models() -> Response:
    """Describe every model, and name the default one."""
    models = _service().models
    described = [_describe(model.detector) for model in models.all().values()]
    return _json(ModelList(default=models.default, models=described))


@api.get("/models/<name>")
def show_model(name: str) -> Response:
    """Describe one model."""
    return _json(_describe(_service().models.get(name).detector))


def _describe(detector: Detector) -> Model:
    return Model.model_validate(detector.describe() | {"signal_families": detector.signals.descriptors()})


@api.get("/models/<name>/map")
def show_map(name: str) -> Response:
    """Return the latent map of one model: where its calibration images lie and which it got wrong."""
    latent_map = _service().models.get(name).detector.latent_map
    if latent_map is None:
        raise Problem(NO_MAP, f"The bundle {name} was saved without a latent map; fit it again to get one.")
    return _json(LatentMap(model=name, **latent_map.to_dict()))


@api.get("/samples")
def sample() -> Response:
    """Return one picture to try a model on."""
    name, index = read_sample_parameters(request)
    service = _service()
    detector = service.models.get(name).detector
    samples = _samples_for(detector, service.settings)
    if index >= len(samples):
        detail = f"index is {index}, but there are {len(samples)} samples; give one from 0 to {len(samples) - 1}."
        raise Problem(BAD_PARAMETER, detail)
    found = samples[index]
    return _json(
        SamplePicture(
            model=detector.name,
            index=index,
            count=len(samples),
            source=samples.source,
            label=found.label,
            name=found.name,
            picture=data_uri(found.data, found.media_type),
        )
    )


def _samples_for(detector: Detector, settings: Settings) -> Samples:
    dataset = detector.provenance.dataset
    if dataset is None:
        detail = f"The bundle {detector.name} names no data set, so there are no samples for it."
        raise Problem(NO_SAMPLES, detail)
    return find_samples(dataset, settings.data)


@api.get("/health/live")
def live() -> Response:
    """Say that the process answers."""
    return _json(Live(status="live"))


@api.get("/health/ready")
def ready() -> Response:
    """Say that the bundles are loaded, so that images can be judged."""
    models = _service().models
    if not models.loaded:
        raise Problem(LOADING, "The models are still being loaded.", {"Retry-After": "1"})
    return _json(Ready(status="ready", models=list(models.all())))


@api.get("/openapi.json")
def openapi() -> Response:
    """Describe this interface, as OpenAPI 3.1."""
    return jsonify(document(_service().settings))
