"""Listening: where a process tells Prometheus its figures, and its supervisor that it lives and could work.

`/metrics`, `/livez` and `/readyz`, on an address that is not public. Several processes may be told the same address:
one has it, and when that ends another takes it.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.registry import Collector

from runtime.logs import logger

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logger("seven.metrics")

AGAIN_S = 2.0
"""Pause before an address that is taken is tried again."""

WORDS = {"/livez": "alive", "/readyz": "ready"}
Hindrances = Callable[[], list[str]]
"""Why a process does not live, or could not work now, in words for people; empty when it does."""


def nothing() -> list[str]:
    """No hindrance."""
    return []


def listen(
    address: str | None,
    own: CollectorRegistry,
    live: Iterable[Collector] = (),
    *,
    shared: Collector | None = None,
    alive: Hindrances = nothing,
    ready: Hindrances = nothing,
) -> None:
    """Answer at `host:port`, in a thread that ends with the process; None for nowhere.

    `own` holds what this process counts, `shared` tells in its place what it has counted together with others, and
    `live` is asked at each scrape. An address that is taken is no reason not to work: it is tried again for ever.
    """
    if address is None:
        return
    host, _, port = address.rpartition(":")
    application = _answering(make_wsgi_app(_told(own, shared, live)), {"/livez": alive, "/readyz": ready})

    def attempt() -> WSGIServer:
        return _server(host.strip("[]"), int(port), application)

    try:
        first = attempt()
    except OSError as error:
        log.warning("metrics are not told; it is tried again", address=address, cause=error.strerror)
        first = None
    threading.Thread(target=_serve, args=(first, attempt), name="metrics", daemon=True).start()


def _told(own: CollectorRegistry, shared: Collector | None, live: Iterable[Collector]) -> CollectorRegistry:
    registry = own
    if shared is None:
        ProcessCollector(registry=registry)
    else:
        registry = CollectorRegistry()
        registry.register(shared)
    for collector in live:
        registry.register(collector)
    return registry


def _serve(server: WSGIServer | None, attempt: Callable[[], WSGIServer]) -> None:
    while server is None:
        time.sleep(AGAIN_S)
        try:
            server = attempt()
        except OSError:
            continue
    server.serve_forever()


def _answering(metrics: "WSGIApplication", asked: dict[str, Hindrances]) -> "WSGIApplication":
    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start)
        status, kind, told = "404 Not Found", "text/plain", "not here\n"
        if path in asked:
            found = asked[path]()
            status = "503 Service Unavailable" if found else "200 OK"
            kind, told = "application/json", json.dumps({WORDS[path]: not found, "hindrances": found})
        start(status, [("Content-Type", kind), ("Content-Length", str(len(told)))])
        return [told.encode("ascii")]

    return answer


def _server(host: str, port: int, application: "WSGIApplication") -> WSGIServer:
    class Server(ThreadingMixIn, WSGIServer):  # one that is asked slowly still answers others
        daemon_threads = True
        address_family = socket.getaddrinfo(host or None, port, flags=socket.AI_PASSIVE)[0][0]

        def handle_error(self, *_: Any) -> None:
            """Log a line for an answer that failed, none for a client that hung up; the library prints a traceback."""
            error = sys.exc_info()[1]
            if not isinstance(error, ConnectionError | TimeoutError):
                log.error("an answer on how it stands failed", cause=type(error).__name__)

    return make_server(host, port, application, Server, handler_class=_Silent)


class _Silent(WSGIRequestHandler):
    timeout = 10  # for a request that never comes

    def log_message(self, *_: Any) -> None:
        """Log no requests."""
