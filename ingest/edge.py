"""Edge: the connections of one receiver, bounded where no application looks: before a request has been told.

Whoever is slow, or opens many, costs a file descriptor and some memory each. A connection is *proven* once it has
brought a token of ours, and then its number does not count: the gateway is never in the way of its own limits.

Uvicorn has no such bounds, and a command line that lets nobody choose a protocol of his own; so the one it has is
taught (docs/decisions/0012).
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingest.metrics import HEAD_TOO_LARGE, MALFORMED, SLOW, TOO_MANY_CONNECTIONS, ReceiverMetrics

HEAD_BYTES = 128 * 1024
"""Of a request line and headers, more than any client sends; without a bound they fill the memory."""
LONGEST_URL = 65_535
"""What the parser of URLs takes; of a longer one the app is told so, and gets the beginning."""
MOST = 500
"""Unproven connections in all: half of the files that a process may commonly open."""
YOUNG_S = 1.0
"""Below that age a connection is not closed for being one of many: the gateway's may be among them."""
PERIOD_S = 0.5

_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


@dataclass(slots=True)
class _Owing:
    """A connection that owes us the rest of a head."""

    since: float
    size: int = 0


class Edge:
    """Every connection of one receiver."""

    def __init__(
        self,
        metrics: ReceiverMetrics,
        *,
        patience_s: float,
        most_of_one: int,
        is_proxy: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`patience_s` is for a head to arrive; behind a proxy of ours there is everybody, so it may have many."""
        self._patience_s, self._most_of_one, self._is_proxy = patience_s, most_of_one, is_proxy
        self._metrics = metrics
        self._owing: dict[HttpToolsProtocol, _Owing] = {}
        self._unproven: dict[HttpToolsProtocol, float] = {}

    def teach(self, protocol: type[HttpToolsProtocol]) -> None:
        """Have every connection of a protocol come under these bounds. Once for a process."""

        def teach(
            name: str, before: Callable[..., Any] | None = None, after: Callable[..., None] | None = None
        ) -> None:
            known = getattr(protocol, name)

            @wraps(known)
            def taught(connection: HttpToolsProtocol, *told: Any) -> None:
                known(connection, *(before(connection, *told) if before else told))
                if after:
                    after(connection, *told)

            setattr(protocol, name, taught)

        teach("connection_made", after=self._made)
        teach("connection_lost", after=self._lost)
        teach("data_received", before=_without_upgrade, after=self._received)
        teach("on_message_begin", after=self._begun)
        teach("on_headers_complete", before=_with_a_url_that_is_parsed)
        teach("send_400_response", after=self._malformed)

    async def run(self) -> None:
        """Look after them for ever."""
        while True:
            self.tidy(asyncio.get_running_loop().time())
            await asyncio.sleep(PERIOD_S)

    def tidy(self, now: float) -> None:
        """Close who has kept us waiting too long, and the oldest of those that are too many and proved nothing."""
        for connection in [one for one, owing in self._owing.items() if now - owing.since > self._patience_s]:
            self._close(connection, SLOW)
        by_address: dict[str, list[HttpToolsProtocol]] = defaultdict(list)
        for connection in self._unproven:  # in the order in which they came
            by_address[_address(connection)].append(connection)
        surplus = [
            connection
            for address, some in by_address.items()
            if not self._is_proxy(address)
            for connection in some[: -self._most_of_one]
        ]
        for connection in [*surplus, *list(self._unproven)[:-MOST]]:
            if now - self._unproven.get(connection, now) > YOUNG_S:
                self._close(connection, TOO_MANY_CONNECTIONS)

    def _close(self, connection: HttpToolsProtocol, cause: str) -> None:
        self._lost(connection)
        self._metrics.refused(cause)
        connection.transport.abort()

    def _made(self, connection: HttpToolsProtocol, *_: Any) -> None:
        now = connection.loop.time()
        self._owing[connection] = _Owing(now)
        self._unproven[connection] = now

    def _lost(self, connection: HttpToolsProtocol, *_: Any) -> None:
        self._owing.pop(connection, None)
        self._unproven.pop(connection, None)

    def _received(self, connection: HttpToolsProtocol, told: bytes) -> None:
        """Whether a request has begun, or its head goes on."""
        if _is_in_request(connection):
            self._owing.pop(connection, None)
            return
        owing = self._owing.get(connection)
        if owing is None:
            owing = self._owing[connection] = _Owing(connection.loop.time())
        owing.size += len(told)
        if owing.size > HEAD_BYTES and not connection.transport.is_closing():
            connection.transport.write(_TOO_LARGE)
            connection.transport.close()
            self._lost(connection)
            self._metrics.refused(HEAD_TOO_LARGE)

    def _begun(self, connection: HttpToolsProtocol) -> None:
        state = connection.scope["state"]
        state["peer"] = _address(connection)
        state["is_gone"] = connection.transport.is_closing
        if connection in self._unproven:
            state["proven"] = lambda: self._unproven.pop(connection, None)

    def _malformed(self, connection: HttpToolsProtocol, _: str) -> None:
        self._lost(connection)
        self._metrics.refused(MALFORMED)


def proven(scope: Scope) -> None:
    """The connection of this request has brought a token of ours."""
    if say := scope.get("state", {}).get("proven"):
        say()


async def answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer, if anybody is there to hear it: what followed it on the connection may have been no HTTP."""
    try:
        await response(scope, receive, send)
    except RuntimeError:
        if not scope.get("state", {}).get("is_gone", bool)():
            raise


def url_size(scope: Scope) -> int:
    """Bytes of a URL that was too long to be told whole; 0 of every other."""
    return int(scope.get("state", {}).get("url_size", 0))


def _is_in_request(connection: HttpToolsProtocol) -> bool:
    """Whether the application has a request of this connection in hand."""
    cycle = connection.cycle
    return cycle is not None and not cycle.response_complete


def _without_upgrade(connection: HttpToolsProtocol, told: bytes) -> tuple[bytes]:
    """Have an offer of another protocol, as curl makes one of HTTP/2, not be seen: the parser would drop the body."""
    if b"pgrade" not in told or _is_in_request(connection):
        return (told,)
    head, end, rest = told.partition(b"\r\n\r\n")
    return (_UPGRADE.sub(b"\r\nx-upgrade:", head) + end + rest,)


def _with_a_url_that_is_parsed(connection: HttpToolsProtocol) -> tuple[()]:
    """Have a URL that is too long for the parser be cut, and the application know that it is."""
    if len(connection.url) > LONGEST_URL:
        connection.scope["state"]["url_size"] = len(connection.url)
        connection.url = connection.url[:LONGEST_URL]
    return ()


def _address(connection: HttpToolsProtocol) -> str:
    return connection.client[0] if connection.client else ""
