"""Endpoint: turns a request into an envelope, and answers once the ledger has it."""

import time
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uuid_utils import uuid7

from ingest.batcher import Batcher
from ingest.body import Disconnected, TooSlow, read
from ingest.client_address import ClientAddresses
from ingest.envelopes import Classification, Received, classify
from ingest.metrics import (
    LOST_BODY,
    METHOD,
    QUARANTINED,
    SLOW,
    TOO_LARGE,
    TOO_MUCH_PARKED,
    TOO_MUCH_QUARANTINED,
    UNDECODABLE,
    ReceiverMetrics,
)
from ingest.quota import Quota
from ingest.receipt_clock import ReceiptClock
from ingest.routing import PATH, HookPath
from ingest.uvicorn_limits import answer, answer_early, has_lost_its_body, url_size
from ingest.verification import SignedRequest, Verification, VerificationResult
from ledger.keyspace import arrival
from ledger.writer import NotAccepted
from runtime.trace_ids import Trace
from runtime.traces import OFF, Step, Traces
from seven.charsets import LONGEST, declared_charset
from seven.delivery import Delivery
from seven.events import queue_of
from seven.hooks import TEST_HEADER

RETRY_AFTER = {"Retry-After": "60"}
CLOSE = {"Connection": "close"}
REFUSED_AND_KEPT = {401: QUARANTINED, 413: TOO_LARGE, 422: UNDECODABLE}
TEST_DELIVERY = (TEST_HEADER.lower().encode(), b"1")
HEADERS = {401: {"WWW-Authenticate": "Signature"}}


class Accepted(Response):
    """The answer to nearly every delivery: JSONResponse's bytes, prepared except for the id."""

    status_code = 202

    def __init__(self, delivery_id: str) -> None:
        """Set body and headers directly: building a JSONResponse costs as much as parsing a delivery."""
        self.body = b'{"id":"%s","outcome":"accepted"}' % delivery_id.encode()
        self.raw_headers = [(b"content-length", b"%d" % len(self.body)), (b"content-type", b"application/json")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


class Endpoint:
    """Handles `/hooks/{token}[/{event_type}]` for valid tokens.

    202 accepted, or parked if decoded but not understood; 422 parked if not decodable; 413 if too large; 401
    quarantined if a verifier in mode `enforce` finds a flaw; 429 beyond the quota of parked or quarantined deliveries;
    503 while the ledger cannot confirm, and where the body is too slow, or was lost to an offer of another protocol.
    Never a 3xx: the gateway takes it for success. Never a 4xx for a fault of ours: it is final.
    """

    def __init__(
        self,
        verification: Verification,
        batcher: Batcher,
        client_addresses: ClientAddresses,
        metrics: ReceiverMetrics,
        *,
        clock: ReceiptClock,
        parked: Quota,
        quarantined: Quota,
        body_limit: int,
        patience_s: float,
        keep_digits: bool = False,
        traces: Traces = OFF,
    ) -> None:
        self._verification, self._batcher, self._clock = verification, batcher, clock
        self._client_addresses, self._metrics = client_addresses, metrics
        self._quotas = {
            "parked": (parked, TOO_MUCH_PARKED),
            "quarantined": (quarantined, TOO_MUCH_QUARANTINED),
        }
        self._limit, self._patience_s, self._keep_digits = body_limit, patience_s, keep_digits
        self._traces = traces

    async def __call__(self, hook_path: HookPath, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with a valid token."""
        began = time.monotonic()
        method, query = scope["method"], scope["query_string"]
        if method == "HEAD" or (method == "GET" and not query):
            await answer_early(PlainTextResponse("This address receives webhooks.\n"), scope, receive, send)
            return
        if method not in ("GET", "POST"):
            self._metrics.refused(METHOD)
            refusal = PlainTextResponse("Method Not Allowed", 405, {"Allow": "GET, HEAD, POST"})
            await answer_early(refusal, scope, receive, send)
            return
        try:
            response = await self._answer(hook_path, scope, receive, began)
        except Disconnected:
            return
        await answer(response, scope, receive, send)

    async def _answer(self, hook_path: HookPath, scope: Scope, receive: Receive, began: float) -> Response:
        if scope["method"] == "POST" and has_lost_its_body(scope):
            return self._retry_later(LOST_BODY, "an upgrade is not offered here; try again later", 503, CLOSE)
        try:
            received = await self._receive(hook_path, scope, receive)
        except TooSlow:
            return self._retry_later(SLOW, "too slow; try again later", 503, CLOSE)
        classification = classify(received, self._limit, keep_digits=self._keep_digits)
        trace = self._traces.of(received.id)
        response = await self._keep(classification, _evidence(hook_path, received, scope), began, trace)
        if trace is not None:
            self._traces.record_first(trace, _step(classification, response.status_code, began))
        return response

    async def _receive(self, hook_path: HookPath, scope: Scope, receive: Receive) -> Received:
        """Read and verify a request. Raises TooSlow or Disconnected."""
        query: bytes = scope["query_string"]
        room = max(0, self._limit - len(query))
        body = await read(scope, receive, room, self._patience_s, digested=self._verification.needs_digest)
        delivery_id, at, source = str(uuid7()), self._clock.now(), self._client_addresses.of(scope)
        cut_url_size = url_size(scope)
        result = VerificationResult()
        if self._verification:
            digest = "" if body.is_cut else body.digest  # half a body may be a whole one that was signed
            target = _target(scope, hook_path.prefix)
            request = SignedRequest(scope["method"], target, scope["headers"], digest, _times(at), source)
            result = self._verification.examine(request, delivery_id)
        return Received(
            id=delivery_id,
            delivery=Delivery(scope["method"], query, body.content, _charset(scope)),
            size=max(len(query) + body.size, cut_url_size and max(cut_url_size, self._limit + 1)),
            path_event_type=hook_path.event_type,
            at=at,
            source=source,
            doubt=result.doubt,
            public_url=result.public_url,
        )

    async def _keep(
        self, classification: Classification, evidence: tuple[str, ...], began: float, trace: Trace | None
    ) -> Response:
        envelope, status, outcome = classification.envelope, classification.status, classification.outcome
        line, queue = envelope.line(), queue_of(envelope.event_type)
        if outcome != "accepted":
            quota, cause = self._quotas[outcome]
            if not quota.take(len(line)):
                return self._retry_later(cause, f"too much is {outcome}; try again later", 429)
        try:
            # a forgery does not count as use of its token
            await self._batcher.accept(queue, line, () if outcome == "quarantined" else evidence, trace)
        except NotAccepted as error:
            return self._retry_later(self._metrics.cause_of(error), "cannot store it now; try again later", 503)
        self._metrics.kept(queue, outcome, time.monotonic() - began)
        if status in REFUSED_AND_KEPT:
            self._metrics.refused(REFUSED_AND_KEPT[status])
        if outcome == "accepted":
            return Accepted(envelope.id)
        content: dict[str, Any] = {"id": envelope.id, "outcome": outcome}
        if envelope.doubt is not None:
            content["detail"] = envelope.doubt
        elif classification.detail is not None:
            content["detail"] = classification.detail.reason
            if classification.detail.wrong:
                content["wrong"] = classification.detail.wrong
        headers = HEADERS.get(status, {}) | (CLOSE if classification.is_cut else {})
        return JSONResponse(content, status, headers)

    def _retry_later(self, cause: str, detail: str, status: int, headers: dict[str, str] | None = None) -> Response:
        """Refuse without storing; the gateway retries."""
        self._metrics.refused(cause)
        return JSONResponse({"outcome": "refused", "detail": detail}, status, RETRY_AFTER | (headers or {}))


def _step(classification: Classification, status: int, began: float) -> Step:
    """The first step of a delivery's trace: what was answered. The queue stands for an event type, which is foreign."""
    attributes = {
        "http.request.method": "GET" if classification.envelope.request_method == "GET" else "POST",
        "http.response.status_code": status,
        "seven.outcome": classification.outcome,
        "seven.queue": queue_of(classification.envelope.event_type),
    }
    return Step("receive", began, time.monotonic(), "not kept" if status in (429, 503) else None, attributes=attributes)


def _evidence(hook_path: HookPath, received: Received, scope: Scope) -> tuple[str, ...]:
    """What a delivery proves of its hook, for `seven:tokens`: the token, and the public URL if it was signed."""
    if TEST_DELIVERY in scope["headers"]:
        return ()
    if received.public_url is None:
        return (hook_path.fingerprint,)
    return hook_path.fingerprint, arrival(hook_path.fingerprint, received.public_url)


def _charset(scope: Scope) -> str | None:
    """The charset that a request declares; None for none or UTF-8."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            return declared_charset(value[:LONGEST])
    return None


def _times(received_at: datetime) -> tuple[float, ...]:
    """The time of receipt in epoch seconds; if that is by Redis' clock, this machine's time as well."""
    at, own = received_at.timestamp(), time.time()
    return (at,) if abs(at - own) < 1 else (own, at)


def _target(scope: Scope, prefix: str) -> str:
    """Path and query as sent, without the path prefixes of proxy and public URL."""
    path: bytes = scope["raw_path"].removeprefix(scope.get("root_path", "").encode())
    if prefix:
        path = _without_prefix(path, prefix)
    target = path + b"?" + scope["query_string"] if scope["query_string"] else path
    return target.decode("utf-8", "surrogateescape")


def _without_prefix(path: bytes, prefix: str) -> bytes:
    """A path without its prefix, however that was escaped: `%20`, or `~` for `%7E`."""
    hooks = PATH.encode()
    at = path.find(hooks)
    while at >= 0 and unquote(path[:at].decode("latin-1")) != prefix:
        at = path.find(hooks, at + 1)
    return path[at:] if at >= 0 else path
