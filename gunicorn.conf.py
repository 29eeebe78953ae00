"""Defaults of ``gunicorn reason_api:app``, from the same settings; flags of gunicorn win over them."""

import sys

from reason.errors import ReasonError
from reason.serving import Settings
from reason.serving.models import folders_of

try:
    _settings = Settings.from_environment()
    # Here, and not first in the workers: with --preload or without, gunicorn ends before it starts anything.
    folders_of(_settings)
except ReasonError as _error:
    sys.stderr.write(f"{_error}\n")
    sys.exit(1)

bind = f"{_settings.host}:{_settings.port}"
# One process holds the models and gathers the images of all requests into shared passes.
workers = 1
worker_class = "gthread"
threads = _settings.threads
timeout = 120
loglevel = "warning"
control_socket_disable = True
