"""Request ids and the access log."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import uuid

from flask import Flask, Response, g, request

HEADER = "X-Request-ID"

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_access = logging.getLogger("reason.access")


def request_id() -> str:
    """Return the id of the current request: the client's own if it is a short plain token, else a new one."""
    if "request_id" not in g:
        sent = request.headers.get(HEADER, "")
        g.request_id = sent if _SAFE_ID.fullmatch(sent) else uuid.uuid4().hex
    return str(g.request_id)


def register(app: Flask) -> None:
    """Give every response its request id, and every request one line in the log ``reason.access``."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        line = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.started) * 1000, 2),
            "request_id": request_id(),
        }
        # Written once the client has its answer, so that a slow log delays nobody. JSON escapes what
        # a client may have put into the path: one request can never forge a second line.
        response.call_on_close(lambda: _access.info("%s", json.dumps(line)))
        return response


def configure_logging(level: str) -> None:
    """Send the service's logs to standard error, one line a message, unless the host program logs itself."""
    logger = logging.getLogger("reason")
    logger.setLevel(level.upper())
    if not logger.hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logger.addHandler(handler)
