"""Edge: what happens on a connection before and around a request, where no application looks.

Uvicorn bounds neither the time nor the size of a head, nor how many requests wait on one connection; it lets nobody
choose a protocol of his own on its command line, so the one it has is taught (docs/decisions/0012). What is taught
follows the parser: where a head begins and ends and where its body does is never guessed from bytes.
"""

import asyncio
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingest.connections import Connection, Connections
from ingest.metrics import HEAD_TOO_LARGE, MALFORMED, ReceiverMetrics

HEAD_BYTES = 128 * 1024
"""Of a request line and headers, more than any client sends; without a bound they fill the memory."""
LONGEST_URL = 65_535
"""What the parser of URLs takes; of a longer one the app is told so, and gets the beginning."""
MOST_FIELDS = 200
"""Fields of a head, and of what follows a chunked body; no client sends half as many."""
BYTES_OF_CHUNKS = 16
"""For each byte of a body so many may come around it: sizes and ends of chunks, were they a byte each."""
MOST_PIPELINED = 16
"""Requests that wait on one connection behind one that is in hand."""
SMALL = 64 * 1024
"""Bytes of a body that is read and dropped behind an answer, so that the connection can go on."""
PERIOD_S = 0.5

_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class TooManyAtOnce(Exception):  # noqa: N818 - ends the parser; uvicorn answers 400
    """More requests were told ahead than anybody waits for."""


class TooManyFields(Exception):  # noqa: N818 - ends the parser; uvicorn answers 400
    """More header fields than anybody sends: a small one costs a hundred times its bytes in memory."""


class HeaderFields(list[tuple[bytes, bytes]]):
    """The fields of a head as the parser finds them: so many, and no more."""

    __slots__ = ()

    def append(self, field: tuple[bytes, bytes]) -> None:
        """Take one more. Raises TooManyFields."""
        if len(self) >= MOST_FIELDS:
            raise TooManyFields
        list.append(self, field)


class UvicornLimits:
    """Teaches a protocol, and looks after the connections that come by it."""

    def __init__(self, connections: Connections, metrics: ReceiverMetrics) -> None:
        self._connections, self._metrics = connections, metrics
        self._known: dict[HttpToolsProtocol, Connection] = {}

    def patch(self, protocol: type[HttpToolsProtocol]) -> None:
        """Have every connection of a protocol come under our bounds. Once for a process."""
        receive, complete = protocol.data_received, protocol.on_headers_complete

        def data_received(one: HttpToolsProtocol, data: bytes) -> None:
            receive(one, self._arriving(one, data))
            self._arrived(one, data)

        def on_headers_complete(one: HttpToolsProtocol) -> None:
            self._head_ends(one)
            complete(one)
            self._body_begins(one)

        for method in (data_received, on_headers_complete):
            setattr(protocol, method.__name__, method)
        _add(protocol, "connection_made", self._made)
        _add(protocol, "connection_lost", self._lost)
        _add(protocol, "on_message_begin", self._head_begins)
        _add(protocol, "on_body", self._body_arrives)
        _add(protocol, "on_message_complete", self._body_ends)
        _add(protocol, "send_400_response", self._malformed)

    async def run(self) -> None:
        """Look after them for ever."""
        while True:
            self._connections.tidy(asyncio.get_running_loop().time())
            await asyncio.sleep(PERIOD_S)

    def _made(self, one: HttpToolsProtocol, *_: Any) -> None:
        one.ws_protocol_class = None  # nobody here speaks it, and a handshake would be logged
        self._known[one] = self._connections.opened(one, _address(one), one.loop.time())

    def _lost(self, one: HttpToolsProtocol, *_: Any) -> None:
        if connection := self._known.pop(one, None):
            self._connections.closed(connection)

    def _arriving(self, one: HttpToolsProtocol, told: bytes) -> bytes:
        """Have an offer of another protocol, as curl makes one of HTTP/2, not be seen: the parser would drop the body.

        Only in a head that begins here; of any other the application hears that its body is lost.
        """
        if b"pgrade" not in told:
            return told
        connection = self._known.get(one)
        if connection is None or connection.body_since is not None:
            return told
        head, end, rest = told.partition(b"\r\n\r\n")
        return _UPGRADE.sub(b"\r\nx-grade:", head) + end + rest

    def _arrived(self, one: HttpToolsProtocol, told: bytes) -> None:
        """Count the bytes of a head that goes on from one reading to the next, and what comes around a body."""
        connection = self._known.get(one)
        if connection is None:
            return
        if connection.body_since is not None:
            self._around_body(one, connection, len(told))
        if connection.head_since is None:
            return
        connection.head_size = 0 if connection.head_size is None else connection.head_size + len(told)
        if connection.head_size > HEAD_BYTES and not (connection.is_in_request or connection.is_gone):
            one.transport.write(_TOO_LARGE)
            one.transport.close()
            self._connections.closed(connection)
            self._metrics.refused(HEAD_TOO_LARGE)

    def _around_body(self, one: HttpToolsProtocol, connection: Connection, size: int) -> None:
        """Bound chunk extensions and trailers, which nobody reads, and of which one may have no end."""
        if connection.is_first_reading:
            connection.is_first_reading = False
            return
        connection.around_body += size
        if connection.around_body > HEAD_BYTES:
            one.transport.abort()
            self._connections.closed(connection)
            self._metrics.refused(HEAD_TOO_LARGE)

    def _body_arrives(self, one: HttpToolsProtocol, told: bytes) -> None:
        if connection := self._known.get(one):
            connection.around_body -= (1 + BYTES_OF_CHUNKS) * len(told)

    def _head_begins(self, one: HttpToolsProtocol) -> None:
        if len(one.pipeline) >= MOST_PIPELINED:
            raise TooManyAtOnce
        one.headers = one.scope["headers"] = HeaderFields()
        if connection := self._known.get(one):
            connection.head_since, connection.head_size, connection.body_since = one.loop.time(), None, None
            connection.around_body, connection.is_first_reading = 0, True
            one.scope["state"]["connection"] = connection

    def _head_ends(self, one: HttpToolsProtocol) -> None:
        if one.url.startswith(b"//"):
            one.url = b"/" + one.url.lstrip(b"/")  # the parser would take what follows for a host, and drop it
        if len(one.url) > LONGEST_URL:
            one.scope["state"]["url_size"] = len(one.url)
            one.url = one.url[:LONGEST_URL]
        if one.parser.should_upgrade():
            one.scope["state"]["is_upgrade"] = True

    def _body_begins(self, one: HttpToolsProtocol) -> None:
        if connection := self._known.get(one):
            connection.head_since, connection.body_since = None, one.loop.time()
        one.headers = HeaderFields()  # trailers: counted, and never part of the head that has been judged
        if one.parser.should_upgrade():
            one.cycle.keep_alive = False  # the parser has done with this connection

    def _body_ends(self, one: HttpToolsProtocol) -> None:
        if connection := self._known.get(one):
            connection.body_since = None

    def _malformed(self, one: HttpToolsProtocol, _: str) -> None:
        self._lost(one)
        self._metrics.refused(MALFORMED)


def _add(protocol: type[HttpToolsProtocol], name: str, lesson: Callable[..., None]) -> None:
    """Have a method do what it does, and then more."""
    known = getattr(protocol, name)

    @wraps(known)
    def taught(one: HttpToolsProtocol, *told: Any) -> None:
        known(one, *told)
        lesson(one, *told)

    setattr(protocol, name, taught)


def connection_of(scope: Scope) -> Connection | None:
    """The connection that a request came by; None under another server than ours."""
    state = scope.get("state")
    found: Connection | None = state.get("connection") if state else None
    return found


def url_size(scope: Scope) -> int:
    """Bytes of a URL that was too long to be told whole; 0 of every other."""
    return int(scope.get("state", {}).get("url_size", 0))


def has_lost_its_body(scope: Scope) -> bool:
    """Whether the parser has taken a request for the beginning of another protocol, and dropped the rest."""
    return bool(scope.get("state", {}).get("is_upgrade"))


async def answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer, if anybody is there to hear it: what followed it on the connection may have been no HTTP."""
    try:
        await response(scope, receive, send)
    except RuntimeError:
        if not ((connection := connection_of(scope)) and connection.is_gone):
            raise


async def answer_early(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer to a request whose body nobody has read. Behind a large one the connection ends."""
    if (connection := connection_of(scope)) and not _is_small(scope):
        connection.end_after_answer()
    await answer(response, scope, receive, send)


def _is_small(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and int(value) > SMALL):
            return False
    return True


def _address(one: HttpToolsProtocol) -> str:
    """IPv4 as such, also where it came to a socket of IPv6."""
    told = one.client[0] if one.client else ""
    return told.removeprefix("::ffff:") if "." in told else told
