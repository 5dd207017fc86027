"""Receiving: the one endpoint. A request becomes an envelope, and is answered when the ledger has it."""

import time
from datetime import UTC, datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uuid_utils import uuid7

from ingest.allowance import Allowance
from ingest.edge import answer, proven, url_size
from ingest.enveloping import Received, Verdict, judge
from ingest.gathering import Gathering
from ingest.guards import Asked, Guards
from ingest.metrics import (
    METHOD,
    QUARANTINED,
    SLOW,
    TOO_LARGE,
    TOO_MUCH_PARKED,
    TOO_MUCH_QUARANTINED,
    UNDECODABLE,
    ReceiverMetrics,
)
from ingest.origins import Origins
from ingest.reading import TooSlow, read
from ingest.strangers import Strangers
from ingest.tokens import Tokens
from ledger.accepting import NotAccepted
from seven.delivery import Delivery
from seven.events import queue_of

RETRY_AFTER = {"Retry-After": "60"}
KEPT_ALL_THE_SAME = {401: QUARANTINED, 413: TOO_LARGE, 422: UNDECODABLE}
HEADERS = {401: {"WWW-Authenticate": "Signature"}, 413: {"Connection": "close"}}


class Receiving:
    """ASGI endpoint for `/hooks/{token}[/{event_type}]`.

    202 accepted, or parked where it was decoded and not understood; 422 parked where it could not even be decoded;
    413 for one too big; 401 quarantined where a guard doubts; 404 for strangers; 429 when too much was parked or
    quarantined; 503 while the ledger cannot confirm, and to a sender that is too slow.
    Never a 3xx: the gateway takes it for success. Never a 4xx for a fault of ours: it is final.
    """

    def __init__(
        self,
        tokens: Tokens,
        guards: Guards,
        gathering: Gathering,
        *,
        strangers: Strangers,
        origins: Origins,
        metrics: ReceiverMetrics,
        parked: Allowance,
        quarantined: Allowance,
        body_limit: int,
        patience_s: float,
    ) -> None:
        self._tokens, self._strangers, self._guards = tokens, strangers, guards
        self._gathering, self._origins, self._metrics = gathering, origins, metrics
        self._allowances = {
            "parked": (parked, TOO_MUCH_PARKED),
            "quarantined": (quarantined, TOO_MUCH_QUARANTINED),
        }
        self._limit, self._patience_s = body_limit, patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        request = Request(scope, receive)
        fingerprint = self._tokens.recognise(request.path_params["token"])
        if fingerprint is None:
            await self._strangers(scope, receive, send)
            return
        proven(scope)
        try:
            response = await self._answer(request, fingerprint, began)
        except ClientDisconnect:  # left before it had told everything; it will come again
            return
        await answer(response, scope, receive, send)

    async def _answer(self, request: Request, fingerprint: str, began: float) -> Response:
        query: bytes = request.scope["query_string"]
        if request.method == "HEAD" or (request.method == "GET" and not query):
            return PlainTextResponse("This address receives webhooks.\n")
        if request.method not in ("GET", "POST"):
            self._metrics.refused(METHOD)
            return PlainTextResponse("Method Not Allowed", 405, {"Allow": "GET, HEAD, POST"})
        try:
            received = await self._received(request, query)
        except TooSlow:
            return self._later(SLOW, "too slow; try again later", 503, {"Connection": "close"})
        return await self._keep(judge(received, self._limit), fingerprint, began)

    async def _received(self, request: Request, query: bytes) -> Received:
        """Read it, and have the guards look at it. Raises TooSlow, or ClientDisconnect."""
        body = await read(
            request, max(0, self._limit - len(query)), self._patience_s, digested=self._guards.look_at_bodies
        )
        delivery_id, at, cut = str(uuid7()), datetime.now(UTC), url_size(request.scope)
        asked = Asked(request.method, _target(request.scope), request.scope["headers"], body.digest, at.timestamp())
        return Received(
            id=delivery_id,
            delivery=Delivery(request.method, query, body.told),
            size=max(len(query) + body.size, cut and max(cut, self._limit + 1)),
            path_event_type=request.path_params.get("event_type"),
            at=at,
            source=self._origins.of(request.scope),
            doubt=self._guards.doubt(asked, delivery_id),
        )

    async def _keep(self, verdict: Verdict, fingerprint: str, began: float) -> Response:
        line = verdict.envelope.line()
        queue = queue_of(verdict.envelope.event_type)
        outcome = verdict.outcome
        if outcome != "accepted":
            allowance, cause = self._allowances[outcome]
            if not allowance.take(len(line)):
                return self._later(cause, f"too much is {outcome}; try again later", 429)
        try:
            await self._gathering.accept(queue, line, fingerprint)
        except NotAccepted as reason:
            return self._later(self._metrics.cause_of(reason), "cannot keep it now; try again later", 503)
        self._metrics.kept(queue, outcome, time.perf_counter() - began)
        if verdict.status in KEPT_ALL_THE_SAME:
            self._metrics.refused(KEPT_ALL_THE_SAME[verdict.status])
        told: dict[str, Any] = {"id": verdict.envelope.id, "outcome": outcome}
        if verdict.envelope.doubt is not None:
            told["detail"] = verdict.envelope.doubt
        elif verdict.detail is not None:
            told["detail"] = verdict.detail.reason
            if verdict.detail.wrong:
                told["wrong"] = verdict.detail.wrong
        return JSONResponse(told, verdict.status, HEADERS.get(verdict.status))

    def _later(self, cause: str, detail: str, status: int, headers: dict[str, str] | None = None) -> Response:
        """Not kept: the gateway is to come again."""
        self._metrics.refused(cause)
        return JSONResponse({"outcome": "refused", "detail": detail}, status, RETRY_AFTER | (headers or {}))


def _target(scope: Scope) -> str:
    """Path and query as they came, below the path that a proxy has been told to add."""
    path: bytes = scope["raw_path"].removeprefix(scope.get("root_path", "").encode())
    told = path + b"?" + scope["query_string"] if scope["query_string"] else path
    return told.decode("utf-8", "surrogateescape")
