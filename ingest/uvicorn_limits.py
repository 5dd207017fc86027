"""Uvicorn limits: bounds on a connection before and around a request, which no ASGI application sees.

Uvicorn bounds neither the time nor the size of a head, nor how many requests wait on one connection. Its command line
accepts no protocol class of one's own, so its own class is patched (docs/decisions/0012). The patches follow the
parser's callbacks: where a head or a body begins and ends is never guessed from bytes.
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
from runtime.ip_address import canonical_address

HEAD_BYTES = 128 * 1024
"""Most bytes of request line and headers, more than any client sends; unbounded, they fill the memory."""
LONGEST_URL = 65_535
"""Most bytes that the URL parser takes; of a longer URL the application gets the beginning and the size."""
MOST_FIELDS = 200
"""Most fields of a head, and of the trailers of a chunked body; no client sends half as many."""
CHUNK_OVERHEAD = 16
"""Bytes allowed around each byte of a body: sizes and ends of one-byte chunks."""
MOST_PIPELINED = 16
"""Most requests that wait on one connection behind the current one."""
SMALL = 64 * 1024
"""Largest body that is read and dropped after an answer, so that the connection stays usable."""
PERIOD_S = 0.5

_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class TooManyAtOnce(Exception):  # noqa: N818 - ends the parser; uvicorn answers 400
    """More pipelined requests than MOST_PIPELINED."""


class TooManyFields(Exception):  # noqa: N818 - ends the parser; uvicorn answers 400
    """More header fields than MOST_FIELDS: a small one takes a hundred times its bytes in memory."""


class HeaderFields(list[tuple[bytes, bytes]]):
    """The fields of a head, as the parser adds them: MOST_FIELDS at most."""

    __slots__ = ()

    def append(self, field: tuple[bytes, bytes]) -> None:
        """Add a field. Raises TooManyFields."""
        if len(self) >= MOST_FIELDS:
            raise TooManyFields
        list.append(self, field)


class UvicornLimits:
    """Patches uvicorn's protocol class, and enforces limits on its connections."""

    def __init__(self, connections: Connections, metrics: ReceiverMetrics) -> None:
        self._connections, self._metrics = connections, metrics
        self._known: dict[HttpToolsProtocol, Connection] = {}

    def patch(self, protocol_class: type[HttpToolsProtocol]) -> None:
        """Put every connection of a protocol class under these limits. Call it once per process."""
        receive, complete = protocol_class.data_received, protocol_class.on_headers_complete

        def data_received(protocol: HttpToolsProtocol, data: bytes) -> None:
            receive(protocol, self._hide_upgrade(protocol, data))
            self._count(protocol, data)

        def on_headers_complete(protocol: HttpToolsProtocol) -> None:
            self._head_ends(protocol)
            complete(protocol)
            self._body_begins(protocol)

        for method in (data_received, on_headers_complete):
            setattr(protocol_class, method.__name__, method)
        _extend(protocol_class, "connection_made", self._made)
        _extend(protocol_class, "connection_lost", self._lost)
        _extend(protocol_class, "on_message_begin", self._head_begins)
        _extend(protocol_class, "on_body", self._body_arrives)
        _extend(protocol_class, "on_message_complete", self._body_ends)
        _extend(protocol_class, "send_400_response", self._reject_malformed)

    async def run(self) -> None:
        """Enforce the limits for ever."""
        while True:
            self._connections.enforce_bounds(asyncio.get_running_loop().time())
            await asyncio.sleep(PERIOD_S)

    def _made(self, protocol: HttpToolsProtocol, *_: Any) -> None:
        protocol.ws_protocol_class = None  # WebSocket is not served, and a handshake would be logged
        self._known[protocol] = self._connections.opened(protocol, _address(protocol), protocol.loop.time())

    def _lost(self, protocol: HttpToolsProtocol, *_: Any) -> None:
        if connection := self._known.pop(protocol, None):
            self._connections.closed(connection)

    def _hide_upgrade(self, protocol: HttpToolsProtocol, data: bytes) -> bytes:
        """Hide an offer of another protocol, such as curl's of HTTP/2: the parser would drop the body.

        Only in a head that begins in these bytes; for any other, `has_lost_its_body` tells the application.
        """
        connection = self._known.get(protocol)
        if connection is None or connection.body_since is not None:
            return data
        head, end, rest = data.partition(b"\r\n\r\n")
        if b"upgrade" not in head.lower():  # nearly always, and much faster than the expression
            return data
        return _UPGRADE.sub(b"\r\nx-grade:", head) + end + rest

    def _count(self, protocol: HttpToolsProtocol, data: bytes) -> None:
        """Count the bytes of a head that spans several reads, and those around a body."""
        connection = self._known.get(protocol)
        if connection is None:
            return
        if connection.body_since is not None:
            self._count_around_body(protocol, connection, len(data))
        if connection.head_since is None:
            return
        connection.head_size = 0 if connection.head_size is None else connection.head_size + len(data)
        if connection.head_size > HEAD_BYTES and not (connection.is_in_request or connection.is_closing):
            protocol.transport.write(_TOO_LARGE)
            protocol.transport.close()
            self._connections.closed(connection)
            self._metrics.refused(HEAD_TOO_LARGE)

    def _count_around_body(self, protocol: HttpToolsProtocol, connection: Connection, size: int) -> None:
        """Bound chunk extensions and trailers, which no code reads and which may be endless."""
        if connection.is_first_read:
            connection.is_first_read = False
            return
        connection.around_body += size
        if connection.around_body > HEAD_BYTES:
            protocol.transport.abort()
            self._connections.closed(connection)
            self._metrics.refused(HEAD_TOO_LARGE)

    def _body_arrives(self, protocol: HttpToolsProtocol, chunk: bytes) -> None:
        if connection := self._known.get(protocol):
            connection.around_body -= (1 + CHUNK_OVERHEAD) * len(chunk)

    def _head_begins(self, protocol: HttpToolsProtocol) -> None:
        if len(protocol.pipeline) >= MOST_PIPELINED:
            raise TooManyAtOnce
        protocol.headers = protocol.scope["headers"] = HeaderFields()
        if connection := self._known.get(protocol):
            connection.head_since, connection.head_size, connection.body_since = protocol.loop.time(), None, None
            connection.around_body, connection.is_first_read = 0, True
            protocol.scope["state"]["connection"] = connection

    def _head_ends(self, protocol: HttpToolsProtocol) -> None:
        if protocol.url.startswith(b"//"):
            # the parser would drop the next segment as a host
            protocol.url = b"/" + protocol.url.lstrip(b"/")
        if len(protocol.url) > LONGEST_URL:
            protocol.scope["state"]["url_size"] = len(protocol.url)
            protocol.url = protocol.url[:LONGEST_URL]
        if protocol.parser.should_upgrade():
            protocol.scope["state"]["is_upgrade"] = True

    def _body_begins(self, protocol: HttpToolsProtocol) -> None:
        if connection := self._known.get(protocol):
            connection.head_since, connection.body_since = None, protocol.loop.time()
        protocol.headers = HeaderFields()  # trailers: counted, and never added to the verified head
        if protocol.parser.should_upgrade():
            protocol.cycle.keep_alive = False  # the parser reads no more of this connection

    def _body_ends(self, protocol: HttpToolsProtocol) -> None:
        if connection := self._known.get(protocol):
            connection.body_since = None

    def _reject_malformed(self, protocol: HttpToolsProtocol, _: str) -> None:
        self._lost(protocol)
        self._metrics.refused(MALFORMED)


def _extend(protocol_class: type[HttpToolsProtocol], name: str, extension: Callable[..., None]) -> None:
    """Make a method call `extension` after its own code."""
    original = getattr(protocol_class, name)

    @wraps(original)
    def extended(protocol: HttpToolsProtocol, *arguments: Any) -> None:
        original(protocol, *arguments)
        extension(protocol, *arguments)

    setattr(protocol_class, name, extended)


def connection_of(scope: Scope) -> Connection | None:
    """The connection of a request; None under a server that is not patched."""
    state = scope.get("state")
    connection: Connection | None = state.get("connection") if state else None
    return connection


def url_size(scope: Scope) -> int:
    """Bytes of a URL that was cut for its length; 0 for every other."""
    return int(scope.get("state", {}).get("url_size", 0))


def has_lost_its_body(scope: Scope) -> bool:
    """Whether the parser has taken a request for an upgrade to another protocol, and dropped its body."""
    return bool(scope.get("state", {}).get("is_upgrade"))


async def answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer, if the connection is still open: bytes that are no HTTP may have closed it."""
    try:
        await response(scope, receive, send)
    except RuntimeError:
        if not ((connection := connection_of(scope)) and connection.is_closing):
            raise


async def answer_early(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer to a request whose body is unread. A large body ends the connection."""
    if (connection := connection_of(scope)) and not _is_small(scope):
        connection.end_after_answer()
    await answer(response, scope, receive, send)


def _is_small(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and int(value) > SMALL):
            return False
    return True


def _address(protocol: HttpToolsProtocol) -> str:
    """The peer's address; IPv4 in its own form, also on an IPv6 socket."""
    address = protocol.client[0] if protocol.client else ""
    return canonical_address(address) or address
