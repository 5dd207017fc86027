"""Status server: serves `/metrics`, `/livez` and `/readyz` on an address that is not public.

Several processes may have the same address: one binds it, and when that one ends another does.
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

RETRY_S = 2.0
"""Pause before the next attempt to bind an address in use."""

EVERY_ADDRESS = "::"
"""The host that stands for every address of this machine, of IPv4 as well as of IPv6."""

STATES = {"/livez": "alive", "/readyz": "ready"}
"""The state that each probe reports."""

Reasons = Callable[[], list[str]]
"""Why a process is not alive or not ready, for people; empty when it is."""


def no_reasons() -> list[str]:
    """The probe always succeeds."""
    return []


def start_status_server(
    address: str | None,
    registry: CollectorRegistry,
    collectors: Iterable[Collector] = (),
    *,
    shared: Collector | None = None,
    alive: Reasons = no_reasons,
    ready: Reasons = no_reasons,
) -> None:
    """Serve `host:port` in a daemon thread, `[::]:port` on every address of both families; None starts no server.

    `registry` holds the metrics of this process; `shared`, if given, replaces them with the sums of all processes.
    `collectors` are read at each scrape. While the address is in use the process works without it, and tries again.
    """
    if address is None:
        return
    host, _, port = address.rpartition(":")
    metrics = make_wsgi_app(_served(registry, shared, collectors))
    application = _application(metrics, {"/livez": alive, "/readyz": ready})

    def bind() -> WSGIServer:
        return _server(host.strip("[]"), int(port), application)

    try:
        server = bind()
    except OSError as error:
        log.warning("status server cannot bind its address; retrying", address=address, cause=error.strerror)
        server = None
    threading.Thread(target=_serve, args=(server, bind), name="metrics", daemon=True).start()


def _served(
    registry: CollectorRegistry, shared: Collector | None, collectors: Iterable[Collector]
) -> CollectorRegistry:
    if shared is None:
        ProcessCollector(registry=registry)
    else:
        registry = CollectorRegistry()
        registry.register(shared)
    for collector in collectors:
        registry.register(collector)
    return registry


def _serve(server: WSGIServer | None, bind: Callable[[], WSGIServer]) -> None:
    while server is None:
        time.sleep(RETRY_S)
        try:
            server = bind()
        except OSError:
            continue
    server.serve_forever()


def _application(metrics: "WSGIApplication", probes: dict[str, Reasons]) -> "WSGIApplication":
    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start)
        status, content_type, body = "404 Not Found", "text/plain", "not here\n"
        if path in probes:
            reasons = probes[path]()
            status = "503 Service Unavailable" if reasons else "200 OK"
            content_type, body = "application/json", json.dumps({STATES[path]: not reasons, "hindrances": reasons})
        start(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body.encode("ascii")]

    return answer


def _server(host: str, port: int, application: "WSGIApplication") -> WSGIServer:
    if host == EVERY_ADDRESS and not socket.has_dualstack_ipv6():
        host = "0.0.0.0"  # noqa: S104 - the same, where the kernel has no IPv6

    class Server(ThreadingMixIn, WSGIServer):  # a slow client does not delay others
        daemon_threads = True
        address_family = socket.getaddrinfo(host or None, port, flags=socket.AI_PASSIVE)[0][0]

        def server_bind(self) -> None:
            """Take IPv4 along with IPv6, whatever the system's default is."""
            if host == EVERY_ADDRESS:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            super().server_bind()

        def handle_error(self, *_: Any) -> None:
            """Log one line for a failed request, none for a client that hung up. The library would print tracebacks."""
            error = sys.exc_info()[1]
            if not isinstance(error, ConnectionError | TimeoutError):
                log.error("status request failed", cause=type(error).__name__)

    return make_server(host, port, application, Server, handler_class=_Silent)


class _Silent(WSGIRequestHandler):
    timeout = 10  # seconds to send the request

    def log_message(self, *_: Any) -> None:
        """Log no requests."""
