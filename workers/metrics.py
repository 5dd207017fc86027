"""Metrics: what a worker tells Prometheus and its supervisor, on an address that is not public."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from workers.holding import Breaker
from workers.remembering import Memories

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("seven.workers")

Hindrance = Callable[[], str | None]
"""Why a worker could not consume now, in words for people; None when it could."""


class HookMetrics(Collector):
    """How the hooks stand, by the memory of the last reconciling: the same from every worker, whichever did it."""

    def __init__(self, memories: Memories) -> None:
        self._memories = memories

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing before the first read, and nothing while Redis is away: an old figure would look like a good one."""
        try:
            memory = self._memories.recall()
        except RedisError:
            return
        if memory.read_ms is None:
            return
        yield GaugeMetricFamily("seven_hooks_drift", "Hooks that are not as desired.", value=memory.drift)
        yield GaugeMetricFamily(
            "seven_hooks_last_read_timestamp_seconds",
            "When the hooks could last be read at the gateway.",
            value=memory.read_ms / 1000,
        )


class StoreMetrics(Collector):
    """Whether this worker holds its batches because the database takes nothing."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Always whether; since when, only while it does."""
        hold = self._breaker.hold
        yield GaugeMetricFamily(
            "seven_store_held", "1 while the database takes nothing and batches are held.", value=float(bool(hold))
        )
        if hold:
            yield GaugeMetricFamily(
                "seven_store_held_since_timestamp_seconds",
                "Since when the database has taken nothing.",
                value=hold.since.timestamp(),
            )


def store_hindrance(breaker: Breaker) -> str | None:
    """That the database takes nothing, as far as this worker has found out."""
    return str(breaker.hold) if breaker.hold else None


def ledger_hindrance(redis: Redis) -> str | None:
    """That the ledger does not answer; asked now, bounded by the client's timeout."""
    try:
        redis.ping()
    except (RedisError, OSError) as error:
        return f"the ledger does not answer ({type(error).__name__})"
    return None


def tell_metrics(address: str, collectors: Iterable[Collector], hindrances: Iterable[Hindrance]) -> None:
    """Serve `/metrics`, `/livez` and `/readyz` at `host:port`, in a thread that ends with the process.

    An address that is taken, by another worker, is no reason not to work.
    """
    if not address:
        return
    host, _, port = address.rpartition(":")
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    try:
        server = _listening(host.strip("[]"), int(port), _answering(make_wsgi_app(registry), list(hindrances)))
    except OSError as error:
        log.warning("metrics are not told at %s: %s", address, error.strerror)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _answering(metrics: "WSGIApplication", hindrances: list[Hindrance]) -> "WSGIApplication":
    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start)
        status, kind, body = "404 Not Found", "text/plain", "not here\n"
        if path == "/livez":
            status, body = "200 OK", "alive\n"
        elif path == "/readyz":
            found = [word for hindrance in hindrances if (word := hindrance())]
            status = "503 Service Unavailable" if found else "200 OK"
            kind, body = "application/json", json.dumps({"ready": not found, "hindrances": found})
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body.encode("ascii")]

    return answer


def _listening(host: str, port: int, application: "WSGIApplication") -> WSGIServer:
    class Server(ThreadingMixIn, WSGIServer):  # one that is asked slowly still answers others
        daemon_threads = True
        address_family = socket.getaddrinfo(host or None, port, flags=socket.AI_PASSIVE)[0][0]

    return make_server(host, port, application, Server, handler_class=_Silent)


class _Silent(WSGIRequestHandler):
    timeout = 10  # for a request that never comes

    def log_message(self, *_: Any) -> None:
        """Log no requests."""
