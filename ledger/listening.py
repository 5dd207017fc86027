"""Listening: where a process tells Prometheus its figures, and its supervisor that it lives and could work.

`/metrics`, `/livez` and `/readyz`, on an address that is not public. Several processes may be told the same address:
one has it, and when that ends another takes it. With PROMETHEUS_MULTIPROC_DIR, the Prometheus client's own way, it
tells the sums of all that share the directory.
"""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import MutexValue, ValueClass

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("seven.metrics")

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
    alive: Hindrances = nothing,
    ready: Hindrances = nothing,
) -> None:
    """Answer at `host:port`, in a thread that ends with the process; None for nowhere.

    `own` holds what this process counts, `live` is asked at each scrape. An address that is taken is no reason not to
    work: it is tried again for ever.
    """
    if address is None:
        return
    host, _, port = address.rpartition(":")
    application = _answering(make_wsgi_app(_told(own, live)), {"/livez": alive, "/readyz": ready})

    def attempt() -> WSGIServer:
        return _server(host.strip("[]"), int(port), application)

    try:
        first = attempt()
    except OSError as error:
        log.warning("metrics are not told address=%s cause=%s: it is tried again", address, error.strerror)
        first = None
    threading.Thread(target=_serve, args=(first, attempt), name="metrics", daemon=True).start()


def _told(own: CollectorRegistry, live: Iterable[Collector]) -> CollectorRegistry:
    """What is told: by this process alone, or by all that share a directory."""
    registry = own
    if ValueClass is MutexValue:  # as the client decided when it was imported
        ProcessCollector(registry=registry)
    else:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the client's
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

    return make_server(host, port, application, Server, handler_class=_Silent)


class _Silent(WSGIRequestHandler):
    timeout = 10  # for a request that never comes

    def log_message(self, *_: Any) -> None:
        """Log no requests."""
