"""Runs the service in this process: one thread a connection, models loaded while it already answers."""

from __future__ import annotations

import errno
import json
import logging
import signal
import socket
import sys
import threading
import time
from http import HTTPStatus
from http.server import HTTPServer
from types import FrameType
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from reason.errors import ConfigError
from reason.serving.app import create_app
from reason.serving.problems import MEDIA_TYPE
from reason.serving.settings import Settings
from reason.serving.telemetry import configure_logging

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from reason.serving.models import Models

SILENCE_S = 30
"""Seconds after which a connection that sends nothing is dropped."""

GRACE_S = 10
"""Seconds that running requests have to finish when the service ends."""

_log = logging.getLogger("reason.service")


def serve(settings: Settings) -> None:
    """Serve until SIGTERM, which returns, or Ctrl-C, which raises ``KeyboardInterrupt``; both end cleanly.

    Raises:
        ConfigError: the address is taken or cannot be listened on.
        BundleError: there is no bundle to serve, or one is incomplete or altered.
    """
    configure_logging(settings.log_level)
    app = create_app(settings, load=False)
    models: Models = app.extensions["reason"].models
    server = Server(settings, app)
    failures: list[BaseException] = []
    loader = threading.Thread(target=_load, args=(models, server, failures), daemon=True)
    _end_on_sigterm(server)
    sys.stdout.write(f"REASON listens on {server.url} (Ctrl-C ends it).\n")
    sys.stdout.flush()
    loader.start()
    try:
        server.run()
    finally:
        server.finish()
        loader.join(timeout=GRACE_S)
    if failures:
        raise failures[0]


def _load(models: Models, server: Server, failures: list[BaseException]) -> None:
    started = time.perf_counter()
    try:
        models.load()
    except BaseException as error:
        failures.append(error)
        server.shutdown()
    else:
        _log.info("ready after %.1f s: %s", time.perf_counter() - started, ", ".join(models.all()))


def _end_on_sigterm(server: Server) -> None:
    def end(_signal: int, _frame: FrameType | None) -> None:
        # shutdown() waits for the loop that this handler interrupts, so another thread must call it.
        threading.Thread(target=server.shutdown, daemon=True).start()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)


class _Handler(WSGIRequestHandler):
    timeout = SILENCE_S

    def version_string(self) -> str:
        return "REASON"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave it to the access log."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (the base class names it so)
        _log.debug("%s: %r", self.client_address, message % args)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is no HTTP, and so never reaches the app, in the same form as the app."""
        title = HTTPStatus(code).phrase
        document = {"type": "about:blank", "title": title, "status": int(code), "detail": message or title}
        body = json.dumps(document).encode()
        self.close_connection = True
        self.send_response(code)
        self.send_header("Content-Type", MEDIA_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadedWSGIServer):
    """An HTTP server that serves a bounded number of connections at once."""

    def __init__(self, settings: Settings, app: WSGIApplication) -> None:
        """Listen, without accepting anything yet.

        Raises:
            ConfigError: the address is taken or cannot be listened on.
        """
        self._connections = settings.threads
        self._slots = threading.BoundedSemaphore(settings.threads)
        with _listen(settings) as listener:
            super().__init__(settings.host, settings.port, app, _Handler, fd=listener.fileno())

    @property
    def url(self) -> str:
        """Where the server listens."""
        host, port = self.socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def run(self) -> None:
        """Accept connections until ``shutdown``."""
        # Not the method of the class between, which hides Ctrl-C from the caller.
        HTTPServer.serve_forever(self, poll_interval=0.1)

    def finish(self) -> None:
        """Close the door, and wait a while for the requests that are inside."""
        self.server_close()
        deadline = time.monotonic() + GRACE_S
        for _ in range(self._connections):
            if not self._slots.acquire(timeout=max(0.0, deadline - time.monotonic())):
                _log.warning("ended before every request was answered")
                return

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, once there is room."""
        self._slots.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, then make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what failed outside the app."""
        _log.error("connection from %s failed", client_address, exc_info=True)


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.host, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
        return socket.create_server(address[:2], family=family, backlog=256)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = "is in use by another program; stop that, or set REASON_PORT to another port"
        elif error.errno == errno.EACCES:
            why = "needs more rights than this user has; set REASON_PORT to a port above 1023"
        else:
            why = f"cannot be listened on ({error.strerror or error}); set REASON_HOST to one of this machine"
        raise ConfigError(f"{host} port {port} {why}.") from None
