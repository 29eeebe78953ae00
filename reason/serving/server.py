"""Runs the service in this process: Waitress serves, models load while it already answers."""

from __future__ import annotations

import errno
import json
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from waitress import wasyncore
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask

from reason.errors import ConfigError
from reason.serving.app import create_app
from reason.serving.problems import MEDIA_TYPE
from reason.serving.settings import Settings
from reason.serving.telemetry import configure_logging
from reason.serving.uploads import MOST_DISCARDED

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SILENCE_S = 30
"""Seconds after which a connection that neither sends nor waits for an answer is dropped."""

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
    server = Server(settings, app)
    failures: list[BaseException] = []

    def load() -> None:
        started = time.perf_counter()
        models = app.extensions["reason"].models
        try:
            models.load()
        except BaseException as error:
            failures.append(error)
            server.stop()
        else:
            _log.info("ready after %.1f s: %s", time.perf_counter() - started, ", ".join(models.all()))

    loader = threading.Thread(target=load, daemon=True)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: server.stop())
    sys.stdout.write(f"REASON listens on {server.url} (Ctrl-C ends it).\n")
    sys.stdout.flush()
    loader.start()
    try:
        server.run()
    finally:
        loader.join(timeout=GRACE_S)
    if failures:
        raise failures[0]


class Server:
    """An HTTP server that serves a bounded number of connections at once.

    Raises:
        ConfigError: the address is taken or cannot be listened on.
    """

    def __init__(self, settings: Settings, app: WSGIApplication) -> None:
        self._stopped = threading.Event()
        self._closing = threading.RLock()  # a signal may come while this thread holds it
        self._closed = False
        self._server = create_server(
            app,
            sockets=[_listen(settings)],
            threads=settings.threads,
            connection_limit=settings.threads + 2,  # Waitress counts its listener and its trigger too
            channel_timeout=SILENCE_S,
            cleanup_interval=SILENCE_S // 3,
            max_request_body_size=settings.max_upload_bytes + MOST_DISCARDED,
            inbuf_overflow=sys.maxsize,  # what is larger than this would go to the disk
            outbuf_overflow=sys.maxsize,
            log_socket_errors=False,
            ident="REASON",
        )
        self._server.channel_class = _Channel
        host, port = self._server.effective_host, self._server.effective_port
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        """Where the server listens."""

    def run(self) -> None:
        """Serve until ``stop`` or Ctrl-C; then let the running requests finish for a while."""
        # Not the server's own run(), which hides Ctrl-C from the caller and waits for no answer to be sent.
        try:
            while not self._stopped.is_set():
                self._step()
        finally:
            wasyncore.dispatcher.close(self._server)  # the listener alone
            deadline = time.monotonic() + GRACE_S
            while self._is_busy() and time.monotonic() < deadline:
                self._step()
            self._server.task_dispatcher.shutdown(timeout=0.1)
            with self._closing:
                self._closed = True
            wasyncore.close_all(self._server._map)

    @contextmanager
    def in_thread(self) -> Iterator[str]:
        """Serve in a thread while the block runs, and give the address."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield self.url
        finally:
            self.stop()
            thread.join()

    def stop(self) -> None:
        """End ``run``, from any thread or signal handler; once it has ended, do nothing."""
        self._stopped.set()
        with self._closing:
            if not self._closed:  # the number of a closed trigger may be another file's by now
                self._server.pull_trigger()

    def _step(self) -> None:
        wasyncore.loop(timeout=1, use_poll=True, map=self._server._map, count=1)

    def _is_busy(self) -> bool:
        return any(c.requests or c.request or c.total_outbufs_len for c in self._server.active_channels.values())


class _Parser(HTTPRequestParser):
    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.body_rcv is not None:
            self.body_rcv.buf = _Body(self.adj.inbuf_overflow)
            self.body_rcv.buf.most = self.adj.max_request_body_size - MOST_DISCARDED + 1


class _Body(OverflowableBuffer):
    """Keeps one byte more than is allowed, for the app to refuse the request, and drops the rest."""

    def append(self, s: bytes) -> None:
        super().append(s[: max(0, self.most - len(self))])


class _Refusal(ErrorTask):
    """Answers a request that is no HTTP, and so never reaches the app, in the same form as the app."""

    def execute(self) -> None:
        error = self.request.error
        detail = f"The request cannot be read: {error.body}."
        document = {"type": "about:blank", "title": error.reason, "status": error.code, "detail": detail}
        body = json.dumps(document).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [("Content-Type", MEDIA_TYPE), ("Connection", "close")]
        self.close_on_finish = True
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    parser_class = _Parser
    error_task_class = _Refusal


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
