"""The little web server of the schedule: /metrics for Prometheus, /healthz for whoever looks after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from engine.errors import ArgumentError

TEXT = ("Content-Type", "text/plain; charset=utf-8")

Health = Callable[[], tuple[bool, str]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet of a client that went away."""


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds; whoever connects and says nothing holds a thread for no longer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """Log nothing: a probe comes every few seconds."""


@contextmanager
def serving(address: str, port: int, registry: CollectorRegistry, health: Health) -> Iterator[int]:
    """Answer on a port while the block runs; gives the port, of the system's choice for 0."""
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            found: Iterable[bytes] = metrics(environ, start)
            return found
        if path == "/healthz":
            well, sentence = health()
            start("200 OK" if well else "503 Service Unavailable", [TEXT])
            return [f"{sentence}\n".encode()]
        start("404 Not Found", [TEXT])
        return [b"there are /metrics and /healthz\n"]

    try:
        server = make_server(address, port, answer, _Server, _Handler)
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise ArgumentError(
            f"--metrics-port: cannot listen on {address}:{port}: {reason}"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
