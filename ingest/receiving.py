"""Receiving: the one endpoint. A request becomes an envelope, and is answered when the ledger has it."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uuid_utils import uuid7

from ingest.gathering import Gathering
from ingest.metrics import METHOD, STRANGER, TOO_LARGE, TOO_MUCH_PARKED, UNDECODABLE, ReceiverMetrics
from ingest.parking import Parking
from ingest.tokens import Tokens
from ledger.accepting import NotAccepted
from seven.delivery import Delivery, Payload
from seven.envelope import CUT, Envelope
from seven.errors import NotUnderstood, Undecodable
from seven.events import queue_of

SAMPLE = 4096  # bytes kept of a delivery that is too big
DISCARDED = 32 * 1024 * 1024  # bytes of it read to learn its size, so that the sender gets to hear the answer
DISCARD_S = 3.0
RETRY_AFTER = {"Retry-After": "60"}
KEPT_ALL_THE_SAME = {413: TOO_LARGE, 422: UNDECODABLE}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sender is told, and what is kept."""

    envelope: Envelope
    status: int
    detail: NotUnderstood | None = None


class Receiving:
    """ASGI endpoint for `/hooks/{token}[/{event_type}]`.

    202 accepted, or parked where it was decoded and not understood; 422 parked where it could not even be decoded;
    413 for one too big; 404 for strangers; 429 when too much was parked; 503 while the ledger cannot confirm.
    Never a 3xx: the gateway takes it for success. Never a 4xx for a fault of ours: it is final.
    """

    def __init__(
        self, tokens: Tokens, gathering: Gathering, parking: Parking, metrics: ReceiverMetrics, body_limit: int
    ) -> None:
        self._tokens, self._gathering, self._parking = tokens, gathering, parking
        self._metrics, self._limit = metrics, body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:  # left before it had told everything; it will come again
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        began = time.perf_counter()
        fingerprint = self._tokens.recognise(request.path_params["token"])
        if fingerprint is None:
            self._metrics.refused(STRANGER)
            return PlainTextResponse("Not Found", 404)
        query: bytes = request.scope["query_string"]
        if request.method == "HEAD" or (request.method == "GET" and not query):
            return PlainTextResponse("This address receives webhooks.\n")
        if request.method not in ("GET", "POST"):
            self._metrics.refused(METHOD)
            return PlainTextResponse("Method Not Allowed", 405, {"Allow": "GET, HEAD, POST"})
        body, size = await self._read(request, len(query))
        delivery = Delivery(request.method, query, body)
        received_at = datetime.now(UTC)
        if size > self._limit:
            verdict = _too_big(delivery, size, self._limit, received_at, request.path_params.get("event_type"))
        else:
            verdict = _judge(delivery, received_at, request.path_params.get("event_type"))
        return await self._keep(verdict, fingerprint, began)

    async def _read(self, request: Request, size: int) -> tuple[bytes, int]:
        """The body, at most as much as is allowed, and the size of the whole request as far as it was told."""
        body = bytearray()
        seen = size
        deadline: asyncio.Timeout
        try:
            async with asyncio.timeout(None) as deadline:
                async for chunk in request.stream():
                    if seen <= self._limit < seen + len(chunk):
                        deadline.reschedule(asyncio.get_running_loop().time() + DISCARD_S)
                    seen += len(chunk)
                    body += chunk[: max(0, self._limit - len(body))]
                    if seen > DISCARDED:
                        break
        except TimeoutError:
            pass
        told = request.headers.get("content-length", "")
        return bytes(body), max(seen, size + int(told)) if told.isdecimal() and len(told) < 16 else seen

    async def _keep(self, verdict: Verdict, fingerprint: str, began: float) -> Response:
        line = verdict.envelope.line()
        queue = queue_of(verdict.envelope.event_type)
        if verdict.detail is not None and not self._parking.take(len(line)):
            self._metrics.refused(TOO_MUCH_PARKED)
            return JSONResponse({"outcome": "refused", "detail": "too much to park; try again later"}, 429, RETRY_AFTER)
        try:
            await self._gathering.accept(queue, line, fingerprint)
        except NotAccepted as reason:
            self._metrics.not_accepted(reason)
            return JSONResponse(
                {"outcome": "refused", "detail": "cannot keep it now; try again later"}, 503, RETRY_AFTER
            )
        self._metrics.kept(queue, understood=verdict.detail is None, seconds=time.perf_counter() - began)
        if verdict.status in KEPT_ALL_THE_SAME:
            self._metrics.refused(KEPT_ALL_THE_SAME[verdict.status])
        told: dict[str, Any] = {"id": verdict.envelope.id, "outcome": "accepted"}
        if verdict.detail is not None:
            told |= {"outcome": "parked", "detail": verdict.detail.reason}
            if verdict.detail.wrong:
                told["wrong"] = verdict.detail.wrong
        return JSONResponse(told, verdict.status, {"Connection": "close"} if verdict.status == 413 else None)


def _judge(delivery: Delivery, received_at: datetime, path_event_type: str | None) -> Verdict:
    """Decode and parse; whatever fails is kept as it came, with the reason."""
    event_type, words, detail = _named(path_event_type), None, None
    try:
        words = delivery.decode()
        payload = Payload.of(words, path_event_type)
        event_type = payload.event_type
        payload.event(received_at)
    except NotUnderstood as reason:
        detail = reason
    envelope = Envelope(
        id=str(uuid7()),
        event_type=event_type,
        received_at=received_at,
        request_method=delivery.request_method,
        payload=delivery.raw if words is None else words,
        reason=None if detail is None else detail.reason,
    )
    return Verdict(envelope, 422 if isinstance(detail, Undecodable) else 202, detail)


def _too_big(delivery: Delivery, size: int, limit: int, received_at: datetime, path_event_type: str | None) -> Verdict:
    detail = Undecodable(f"{CUT}{limit} bytes: {size} bytes, of which the first {SAMPLE} are kept")
    envelope = Envelope(
        id=str(uuid7()),
        event_type=_named(path_event_type),
        received_at=received_at,
        request_method=delivery.request_method,
        payload=delivery.raw[:SAMPLE],
        reason=detail.reason,
    )
    return Verdict(envelope, 413, detail)


def _named(path_event_type: str | None) -> str | None:
    """The event type of bytes that cannot tell it themselves: the path's, where that is one."""
    try:
        return Payload.of({}, path_event_type).event_type
    except NotUnderstood:
        return None
