"""The app factory: puts the parts of the service together."""

from __future__ import annotations

from flask import Flask
from flask_cors import CORS

from reason.data.pillow_warnings import ignore_metadata_warnings
from reason.resources import PAGE
from reason.serving import pages, problems, telemetry
from reason.serving.models import Models
from reason.serving.predict import Predictor
from reason.serving.routes import Service, api
from reason.serving.settings import Settings
from reason.serving.uploads import InMemoryRequest, discard_unread


def create_app(settings: Settings | None = None, *, load: bool = True) -> Flask:
    """Return the service as a WSGI application, and silence Pillow's warnings of damaged metadata in its process.

    Args:
        settings: how it runs; read from the environment by default.
        load: load the bundles now; otherwise the caller does, with
            ``app.extensions["reason"].models.load()``, and until then ``/health/ready`` answers 503.

    Raises:
        ConfigError: a setting is unknown, ill-typed or out of range.
        BundleError: there is no bundle to serve, or one is incomplete or altered.
    """
    ignore_metadata_warnings()
    settings = settings or Settings.from_environment()
    service = Service(settings, Models(settings), Predictor(settings))
    if load:
        service.models.load()
    app = Flask("reason", static_folder=PAGE / "static", static_url_path="/static")
    app.request_class = InMemoryRequest
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_bytes
    app.url_map.strict_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["reason"] = service
    telemetry.register(app)
    problems.register(app)
    pages.register(app)
    app.after_request(discard_unread)
    app.register_blueprint(api)
    CORS(
        app,
        origins=list(settings.cors_origins),
        send_wildcard="*" in settings.cors_origins,
        expose_headers=[telemetry.HEADER, "Retry-After"],
        max_age=600,
    )
    return app
