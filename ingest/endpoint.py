"""Receiving: the one endpoint. A request becomes an envelope, and is answered when the ledger has it."""

import time
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uuid_utils import uuid7

from ingest.batcher import Batcher
from ingest.body import Gone, TooSlow, read
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
from ingest.rate_limit import Quota
from ingest.routing import PATH, HookPath
from ingest.uvicorn_limits import answer, answer_early, has_lost_its_body, url_size
from ingest.verification import Examined, SignedRequest, Verification
from ledger.keyspace import arrival
from ledger.writer import NotAccepted
from seven.delivery import Delivery
from seven.events import queue_of
from seven.hooks import TEST_HEADER

RETRY_AFTER = {"Retry-After": "60"}
CLOSE = {"Connection": "close"}
KEPT_ALL_THE_SAME = {401: QUARANTINED, 413: TOO_LARGE, 422: UNDECODABLE}
OWN_TEST = (TEST_HEADER.lower().encode(), b"1")
HEADERS = {401: {"WWW-Authenticate": "Signature"}, 413: CLOSE}


class Accepted(Response):
    """The answer to nearly all: what JSONResponse would make, ready but for the id."""

    def __init__(self, delivery_id: str) -> None:
        """Starlette's own way to make one costs as much as parsing a delivery."""
        self.body = b'{"id":"%s","outcome":"accepted"}' % delivery_id.encode()
        self.raw_headers = [(b"content-length", b"%d" % len(self.body)), (b"content-type", b"application/json")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Send it."""
        await send({"type": "http.response.start", "status": 202, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


class Endpoint:
    """What is behind `/hooks/{token}[/{event_type}]`, once the token is known.

    202 accepted, or parked where it was decoded and not understood; 422 parked where it could not even be decoded;
    413 for one too big; 401 quarantined where a guard doubts; 429 when too much was parked or quarantined; 503 while
    the ledger cannot confirm, and where the body is too slow, or was lost to an offer of another protocol.
    Never a 3xx: the gateway takes it for success. Never a 4xx for a fault of ours: it is final.
    """

    def __init__(
        self,
        guards: Verification,
        gathering: Batcher,
        origins: ClientAddresses,
        metrics: ReceiverMetrics,
        *,
        parked: Quota,
        quarantined: Quota,
        body_limit: int,
        patience_s: float,
    ) -> None:
        self._guards, self._gathering, self._origins, self._metrics = guards, gathering, origins, metrics
        self._allowances = {
            "parked": (parked, TOO_MUCH_PARKED),
            "quarantined": (quarantined, TOO_MUCH_QUARANTINED),
        }
        self._limit, self._patience_s = body_limit, patience_s

    async def __call__(self, door: HookPath, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a known sender."""
        began = time.perf_counter()
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
            response = await self._answer(door, scope, receive, began)
        except Gone:
            return
        await answer(response, scope, receive, send)

    async def _answer(self, door: HookPath, scope: Scope, receive: Receive, began: float) -> Response:
        if scope["method"] == "POST" and has_lost_its_body(scope):
            return self._later(LOST_BODY, "an upgrade is not offered here; try again later", 503, CLOSE)
        try:
            received = await self._received(door, scope, receive)
        except TooSlow:
            return self._later(SLOW, "too slow; try again later", 503, CLOSE)
        return await self._keep(classify(received, self._limit), _evidence(door, received, scope), began)

    async def _received(self, door: HookPath, scope: Scope, receive: Receive) -> Received:
        """Read it, and have the guards look at it. Raises TooSlow, or Gone."""
        query: bytes = scope["query_string"]
        room = max(0, self._limit - len(query))
        body = await read(scope, receive, room, self._patience_s, digested=self._guards.look_at_bodies)
        delivery_id, at, source, cut = str(uuid7()), self._gathering.now(), self._origins.of(scope), url_size(scope)
        examined = Examined()
        if self._guards and not (cut or body.is_cut):  # of half a request nobody can say who made it
            asked = SignedRequest(
                scope["method"], _target(scope, door.prefix), scope["headers"], body.digest, _times(at), source
            )
            examined = self._guards.examine(asked, delivery_id)
        return Received(
            id=delivery_id,
            delivery=Delivery(scope["method"], query, body.told),
            size=max(len(query) + body.size, cut and max(cut, self._limit + 1)),
            path_event_type=door.event_type,
            at=at,
            source=source,
            doubt=examined.doubt,
            public_url=examined.public_url,
        )

    async def _keep(self, verdict: Classification, evidence: tuple[str, ...], began: float) -> Response:
        line = verdict.envelope.line()
        queue = queue_of(verdict.envelope.event_type)
        outcome = verdict.outcome
        if outcome != "accepted":
            allowance, cause = self._allowances[outcome]
            if not allowance.take(len(line)):
                return self._later(cause, f"too much is {outcome}; try again later", 429)
        try:
            # a forgery is no use of a token
            await self._gathering.accept(queue, line, () if outcome == "quarantined" else evidence)
        except NotAccepted as reason:
            return self._later(self._metrics.cause_of(reason), "cannot keep it now; try again later", 503)
        self._metrics.kept(queue, outcome, time.perf_counter() - began)
        if verdict.status in KEPT_ALL_THE_SAME:
            self._metrics.refused(KEPT_ALL_THE_SAME[verdict.status])
        if outcome == "accepted":
            return Accepted(verdict.envelope.id)
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


def _evidence(door: HookPath, received: Received, scope: Scope) -> tuple[str, ...]:
    """What a delivery proves of the hook that it came by: its token, and its address where that was signed."""
    if OWN_TEST in scope["headers"]:
        return ()
    if received.public_url is None:
        return (door.fingerprint,)
    return door.fingerprint, arrival(door.fingerprint, received.public_url)


def _times(received_at: datetime) -> tuple[float, ...]:
    """A time of receipt in epoch seconds, and beside it this machine's where the receipt is by Redis' clock."""
    at, own = received_at.timestamp(), time.time()
    return (at,) if abs(at - own) < 1 else (own, at)


def _target(scope: Scope, prefix: str) -> str:
    """Path and query as they came, below the paths of proxy and public URL."""
    path: bytes = scope["raw_path"].removeprefix(scope.get("root_path", "").encode())
    if prefix:
        path = _below(path, prefix)
    told = path + b"?" + scope["query_string"] if scope["query_string"] else path
    return told.decode("utf-8", "surrogateescape")


def _below(path: bytes, prefix: str) -> bytes:
    """A path without a prefix of it, however that came spelled: `%20`, or `~` for `%7E`."""
    hooks = PATH.encode()
    at = path.find(hooks)
    while at >= 0 and unquote(path[:at].decode("latin-1")) != prefix:
        at = path.find(hooks, at + 1)
    return path[at:] if at >= 0 else path
