"""Application: composes the receiver as an ASGI application, with its routes and background tasks."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
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
from ingest.linger import Linger, closing
from ingest.metrics import ReadinessMetrics, ReceiverMetrics
from ingest.presence import Presence
from ingest.quota import Quota
from ingest.rate_limit import RateLimit
from ingest.readiness import Readiness
from ingest.receipt_clock import ReceiptClock
from ingest.routing import HookPaths, Tokens, prefixes
from ingest.settings import IngestSettings
from ingest.uvicorn_limits import UvicornLimits
from ingest.uvicorn_server import refusal_to_start
from ingest.verification import SecretVerifier, SignatureVerifier, Verification
from ingest.verification_log import VerificationLog
from ledger.announcements import broker
from ledger.receivers import Receiver
from ledger.writer import LedgerWriter
from runtime.garbage_collector import collect_rarely
from runtime.logs import logger, silence_requests
from runtime.multiprocess_metrics import share_metrics
from runtime.settings.types import reveal_all
from runtime.shutdown import DRAIN_DEADLINE_S, install_signal_handlers
from runtime.status_server import start_status_server
from runtime.trace_ids import Trace
from runtime.traces import create_traces

log = logger("seven.ingest")


def create_app(settings: IngestSettings) -> Starlette:
    """The receiver as an ASGI application. It opens no connection before its lifespan begins."""
    redis_url = settings.redis_url.get_secret_value()
    writer = LedgerWriter(redis_url, settings.seven_accept_deadline_s, settings.seven_replicas_confirm)
    readiness = Readiness(writer.redis, settings.seven_ledger_limit, settings.seven_replicas_confirm)
    registry = CollectorRegistry()
    shared = share_metrics(settings.prometheus_multiproc_dir, "receiver")
    metrics = ReceiverMetrics(registry)
    traces = create_traces(settings, "receiver")
    announcer = Announcer(Celery("seven-ingest", set_as_current=False, changes=broker(redis_url)), traces)

    def announce(queue: str, batch_id: str, of: Sequence[Trace]) -> None:
        if readiness.may_announce(queue):
            announcer.enqueue(queue, batch_id, of)

    clock = ReceiptClock()
    batcher = Batcher(
        writer,
        announce,
        readiness,
        metrics,
        clock=clock,
        batch_size=settings.seven_batch_size,
        waiting_limit=settings.seven_waiting_limit,
        # a little beyond the writer's own deadline, so that the writer's error names the cause
        deadline_s=settings.seven_accept_deadline_s + 0.5,
        traces=traces,
    )
    client_addresses = ClientAddresses(settings.seven_trusted_proxies)
    bounds = Bounds(settings.seven_patience_s, settings.seven_stranger_connections, client_addresses.is_proxy)
    uvicorn_limits = UvicornLimits(Connections(bounds, metrics), metrics)
    verifiers = create_verifiers(settings)
    verification_log = VerificationLog(writer.redis, {verifier.name: verifier.mode for verifier in verifiers}, metrics)
    endpoint = Endpoint(
        Verification(verifiers, verification_log),
        batcher,
        client_addresses,
        metrics,
        clock=clock,
        parked=Quota(settings.seven_parked_most, settings.seven_parked_limit),
        quarantined=Quota(settings.seven_quarantined_most, settings.seven_quarantined_limit),
        body_limit=settings.seven_body_limit,
        patience_s=settings.seven_patience_s,
        keep_digits=settings.seven_keep_digits,
        traces=traces,
    )

    linger = Linger(settings.seven_linger_s, readiness.drain)
    tokens = reveal_all(settings.seven_hook_token)
    presence = Presence(writer.redis, Receiver.new(tokens, settings.seven_public_url, settings.demanded_secrets))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        silence_requests()
        collect_rarely()
        collectors = (ReadinessMetrics(readiness),)
        start_status_server(
            settings.metrics_address(9101), registry, collectors, shared=shared, ready=readiness.reasons
        )
        traces.start()
        announcer.start()
        await readiness.refresh()
        if (redis_now := await writer.clock()) is not None:
            clock.observe(redis_now)
        writing = background.begin(batcher.run(), linger.skip)
        others = [background.begin(part.run()) for part in (readiness, verification_log, uvicorn_limits, presence)]
        if threading.current_thread() is threading.main_thread():  # Python handles signals in no other thread
            install_signal_handlers(
                linger.begin, DRAIN_DEADLINE_S + linger.seconds, partial(linger.end_later, asyncio.get_running_loop())
            )
        log.info("receiving")
        yield
        batcher.close()
        await writing
        await background.end(others)
        await presence.end()
        await asyncio.to_thread(announcer.stop)
        await asyncio.to_thread(traces.close)
        await writer.redis.aclose()
        log.info("ended")

    app = _Receiver(
        HookPaths(Tokens(tokens), settings.seven_public_url),
        endpoint,
        RateLimit(client_addresses, metrics, settings.seven_stranger_rate),
        linger,
        probes=probe_routes(readiness, settings.seven_public_url),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # the gateway takes a redirect for success: the delivery would be lost
    app.state.uvicorn_limits = uvicorn_limits
    return app


def probe_routes(readiness: Readiness, public_urls: Sequence[str]) -> list[Route]:
    """Routes of `/livez` and `/readyz`, also below the path of each public URL."""

    async def livez(_: Request) -> PlainTextResponse:
        """Alive: the event loop runs."""
        return PlainTextResponse("alive\n")

    async def readyz(_: Request) -> JSONResponse:
        reasons = readiness.reasons()
        return JSONResponse({"ready": not reasons, "hindrances": reasons}, 503 if reasons else 200)

    return [
        Route(prefix + path, endpoint, methods=["GET"])
        for prefix in prefixes(public_urls)
        for path, endpoint in (("/livez", livez), ("/readyz", readyz))
    ]


class _Receiver(Starlette):
    """Dispatches requests to the hooks, nearly all there are, without Starlette's middleware and routing."""

    def __init__(
        self,
        hook_paths: HookPaths,
        endpoint: Endpoint,
        rate_limit: RateLimit,
        linger: Linger,
        *,
        probes: Sequence[Route],
        **options: Any,
    ) -> None:
        super().__init__(routes=probes, **options)
        self._hook_paths, self._endpoint, self._rate_limit, self._linger = hook_paths, endpoint, rate_limit, linger
        self._probes = frozenset(route.path for route in probes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._linger.has_begun:
            send = closing(send)
        if scope["type"] == "lifespan" and (reason := refusal_to_start()):
            await receive()
            await send({"type": "lifespan.startup.failed", "message": reason})
        elif scope["type"] != "http" or self._is_probe(scope):
            await super().__call__(scope, receive, send)
        elif hook_path := self._hook_paths.of(scope):
            await self._endpoint(hook_path, scope, receive, send)
        else:
            await self._rate_limit(scope, receive, send)

    def _is_probe(self, scope: Scope) -> bool:
        """Whether this is a probe: it is never rate-limited, as its answer is as cheap as a 404."""
        return scope["path"].removeprefix(scope.get("root_path", "")) in self._probes


def create_verifiers(settings: IngestSettings) -> tuple[SignatureVerifier, SecretVerifier]:
    """Every verifier, also those that are off."""
    return (
        SignatureVerifier(
            settings.signature_mode,
            reveal_all(settings.seven_signing_key),
            settings.seven_public_url,
            max_age_s=settings.seven_signature_age_s,
            max_ahead_s=settings.seven_signature_ahead_s,
        ),
        SecretVerifier(settings.secret_mode, reveal_all(settings.seven_hook_secret)),
    )
