"""The receiver as an ASGI application: its routes, and what runs beside them."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from celery import Celery
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ingest import background
from ingest.announcer import Announcer
from ingest.batcher import Batcher
from ingest.client_address import ClientAddresses
from ingest.connections import Bounds, Connections
from ingest.endpoint import Endpoint
from ingest.metrics import ReadinessMetrics, ReceiverMetrics
from ingest.presence import Presence
from ingest.rate_limit import Quota, RateLimit
from ingest.readiness import Readiness
from ingest.routing import HookPaths, Tokens, prefixes
from ingest.settings import IngestSettings, words
from ingest.uvicorn_limits import UvicornLimits
from ingest.verification import SecretVerifier, SignatureVerifier, Verification
from ingest.verification_log import VerificationLog
from ledger.announcements import broker
from ledger.receivers import mark_of
from ledger.writer import LedgerWriter
from runtime.logs import logger, silence_requests
from runtime.multiprocess_metrics import share
from runtime.shutdown import end_in_bounds
from runtime.status_server import listen

log = logger("seven.ingest")


def create_app(settings: IngestSettings) -> Starlette:
    """The receiver as an ASGI application. It connects to nothing before its lifespan begins."""
    redis_url = settings.redis_url.get_secret_value()
    acceptor = LedgerWriter(redis_url, settings.seven_accept_deadline_s)
    readiness = Readiness(acceptor.redis, settings.seven_ledger_limit)
    registry = CollectorRegistry()
    shared = share(settings.prometheus_multiproc_dir, "receiver")
    metrics = ReceiverMetrics(registry)
    announcer = Announcer(Celery("seven-ingest", set_as_current=False, changes=broker(redis_url)))

    def announce(queue: str, batch_id: str) -> None:
        if readiness.may_announce(queue):
            announcer.tell(queue, batch_id)

    gathering = Batcher(
        acceptor,
        announce,
        readiness,
        metrics,
        batch_size=settings.seven_batch_size,
        waiting_limit=settings.seven_waiting_limit,
        # a little beyond the acceptor's own: it then says what it was
        deadline_s=settings.seven_accept_deadline_s + 0.5,
    )
    origins = ClientAddresses(settings.seven_trusted_proxies)
    strangers = RateLimit(origins, metrics, settings.seven_stranger_rate)
    bounds = Bounds(settings.seven_patience_s, settings.seven_stranger_connections, origins.is_proxy)
    edge = UvicornLimits(Connections(bounds, metrics), metrics)
    guards = guards_of(settings)
    observations = VerificationLog(acceptor.redis, {guard.name: guard.mode for guard in guards}, metrics)
    receiving = Endpoint(
        Verification(guards, observations),
        gathering,
        origins,
        metrics,
        parked=Quota(settings.seven_parked_most, settings.seven_parked_limit),
        quarantined=Quota(settings.seven_quarantined_most, settings.seven_quarantined_limit),
        body_limit=settings.seven_body_limit,
        patience_s=settings.seven_patience_s,
    )

    tokens = Tokens(words(settings.seven_hook_token))
    presence = Presence(acceptor.redis, tokens.fingerprints, map(mark_of, settings.seven_public_url))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        silence_requests()
        spare_the_collector()
        live = (ReadinessMetrics(readiness),)
        listen(settings.metrics_address(9101), registry, live, shared=shared, ready=readiness.hindrances)
        announcer.start()
        await readiness.refresh()
        if (redis_now := await acceptor.clock()) is not None:
            gathering.compare(redis_now)
        writing = background.begin(gathering.run())
        others = [background.begin(part.run()) for part in (readiness, observations, edge, presence)]
        if threading.current_thread() is threading.main_thread():  # signals are heard nowhere else
            end_in_bounds(at_first=readiness.drain)
        log.info("receiving")
        yield
        gathering.close()
        await writing
        await background.end(others)
        await presence.end()
        await asyncio.to_thread(announcer.stop)
        await acceptor.redis.aclose()
        log.info("ended")

    app = _Receiver(
        HookPaths(tokens, settings.seven_public_url),
        receiving,
        strangers,
        probes=probes_of(readiness, settings.seven_public_url),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # the gateway takes a redirect for success: the delivery would be lost
    app.state.edge = edge
    return app


def probes_of(readiness: Readiness, public_urls: Sequence[str]) -> list[Route]:
    """`/livez` and `/readyz`, below the path of each public URL too."""

    async def livez(_: Request) -> PlainTextResponse:
        """Alive: the event loop turns."""
        return PlainTextResponse("alive\n")

    async def readyz(_: Request) -> JSONResponse:
        hindrances = readiness.hindrances()
        return JSONResponse({"ready": not hindrances, "hindrances": hindrances}, 503 if hindrances else 200)

    return [
        Route(prefix + path, endpoint, methods=["GET"])
        for prefix in prefixes(public_urls)
        for path, endpoint in (("/livez", livez), ("/readyz", readyz))
    ]


class _Receiver(Starlette):
    """Nearly all that comes is for the hooks: it does not take the long way through middleware and routes."""

    def __init__(
        self, doors: HookPaths, inside: Endpoint, strangers: RateLimit, probes: Sequence[Route], **told: Any
    ) -> None:
        super().__init__(routes=probes, **told)
        self._doors, self._inside, self._strangers = doors, inside, strangers
        self._probes = frozenset(route.path for route in probes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_probe(scope):
            await super().__call__(scope, receive, send)
        elif door := self._doors.of(scope):
            await self._inside(door, scope, receive, send)
        else:
            await self._strangers(scope, receive, send)

    def _is_probe(self, scope: Scope) -> bool:
        """Whether a supervisor may be asking: it never queues behind strangers; its answer is as cheap as theirs."""
        return scope["path"].removeprefix(scope.get("root_path", "")) in self._probes


def spare_the_collector() -> None:
    """Have Python look for cycles less often: a request leaves none, and each look costs some of them their time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def guards_of(settings: IngestSettings) -> tuple[SignatureVerifier, SecretVerifier]:
    """Every guard, those that are off too."""
    if settings.seven_signing_key and not settings.seven_public_url:
        log.warning("signatures are not verified: they sign the public URL", missing="SEVEN_PUBLIC_URL")
    return (
        SignatureVerifier(
            settings.signature_mode,
            words(settings.seven_signing_key),
            settings.seven_public_url,
            max_age_s=settings.seven_signature_age_s,
            max_ahead_s=settings.seven_signature_ahead_s,
        ),
        SecretVerifier(settings.secret_mode, words(settings.seven_hook_secret)),
    )
