"""Connections: limits on connections that have not sent a valid hook token yet.

Each connection of a slow client, or of one that opens many, costs a file descriptor and memory. A connection is
*proven* once it has sent a valid token: limits on unproven ones no longer apply to it, so they never stop the gateway.
"""

import heapq
import resource
import select
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingest.metrics import SLOW, TOO_MANY_CONNECTIONS, ReceiverMetrics

MOST_UNPROVEN = 500
"""Most unproven connections older than YOUNG_S, over all addresses."""
MOST_BODIES = 0.25
"""Most connections of one token with an arriving body, as a share of all connections."""
YOUNG_S = 1.0
"""A younger connection is not closed as one of too many: it may be the gateway's."""
CANDIDATES = 16
"""Connections checked for unread input before one is closed."""
SPARE_FILES = 64
"""File descriptors kept free for everything else."""


@dataclass(slots=True, eq=False)
class Connection:
    """A connection and its state: before, in or after the head of a request, or in its body."""

    protocol: HttpToolsProtocol
    address: str
    opened_at: float
    registry: "Connections"
    head_since: float | None
    """Since when the rest of a head is awaited; None while it is not."""
    head_size: int | None = None
    """Bytes of that head after its first read; None until a second one."""
    body_since: float | None = None
    """Since when the rest of a body is awaited; None while it is not."""
    around_body: int = 0
    """Bytes received around a body, less the allowance for its chunks."""
    is_first_read: bool = True
    """Whether the current request began in the current read, which may contain other requests, too."""
    token: str = ""
    """The fingerprint of the token that it sent last."""
    is_proven: bool = False

    @property
    def is_in_request(self) -> bool:
        """Whether the application is handling a request of this connection."""
        cycle = self.protocol.cycle
        return cycle is not None and not cycle.response_complete

    @property
    def awaited_since(self) -> float | None:
        """Since when the rest of a head or body is awaited; None while it is not."""
        return self.body_since if self.head_since is None else self.head_since

    @property
    def has_unread_input(self) -> bool:
        """Whether it has sent bytes that are not read yet, and is open: the awaited rest may be among them."""
        file: int = self.protocol.transport.get_extra_info("socket").fileno()
        if file < 0:
            return False
        poll = select.poll()
        poll.register(file, select.POLLIN | select.POLLRDHUP)
        return any(events == select.POLLIN for _, events in poll.poll(0))

    @property
    def is_closing(self) -> bool:
        """Whether an answer can no longer be sent."""
        return self.protocol.transport.is_closing()

    def prove(self, token: str = "") -> None:
        """Record that it has sent a valid token, with this fingerprint, now."""
        self.token = token
        self.registry.proven(self)

    def end_after_answer(self) -> None:
        """Close the connection after the answer to the current request."""
        self.protocol.cycle.keep_alive = False


@dataclass(slots=True)
class Bounds:
    """Limits of one receiver."""

    patience_s: float
    """Time limit for a head, and for the rest of a body that has been answered already."""
    most_per_address: int
    """Most unproven connections of one address."""
    is_proxy: Callable[[str], bool] = field(default=lambda _: False)
    """Whether an address is a trusted proxy: it carries every client's connections, so it may have many."""
    most: int = 0
    """Most connections in all; 0 for the process' limit of open files, less SPARE_FILES."""

    def __post_init__(self) -> None:
        if not self.most:
            files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            self.most = sys.maxsize if files == resource.RLIM_INFINITY else max(SPARE_FILES, files - SPARE_FILES)


class Connections:
    """All connections of one receiver."""

    def __init__(self, bounds: Bounds, metrics: ReceiverMetrics) -> None:
        self._bounds, self._metrics = bounds, metrics
        self._unproven: dict[Connection, None] = {}  # oldest first
        self._proven: dict[Connection, None] = {}  # least recently used first

    def __len__(self) -> int:
        return len(self._unproven) + len(self._proven)

    def opened(self, protocol: HttpToolsProtocol, address: str, now: float) -> Connection:
        """Register a new connection; at the limit, close another one."""
        if len(self) >= self._bounds.most:
            self._make_room(now)
        connection = Connection(protocol, address, now, self, head_since=now)
        self._unproven[connection] = None
        return connection

    def closed(self, connection: Connection) -> None:
        """Forget a closed connection."""
        self._unproven.pop(connection, None)
        self._proven.pop(connection, None)

    def proven(self, connection: Connection) -> None:
        """Record that a connection has sent a valid token, now."""
        if connection.is_proven:
            self._proven.pop(connection, None)
        else:
            connection.is_proven = True
            self._unproven.pop(connection, None)
        self._proven[connection] = None

    def enforce_bounds(self, now: float) -> None:
        """Close connections that are too slow, and the oldest unproven ones beyond the limits."""
        late = now - self._bounds.patience_s
        slow = [connection for connection in (*self._unproven, *self._proven) if _is_overdue(connection, late)]
        self._close(slow, SLOW)
        by_address: dict[str, list[Connection]] = defaultdict(list)
        for connection in self._unproven:
            by_address[connection.address].append(connection)
        surplus = [
            connection
            for address, unproven in by_address.items()
            if not self._bounds.is_proxy(address)
            for connection in unproven[: -self._bounds.most_per_address]
        ]
        surplus += list(self._unproven)[:-MOST_UNPROVEN]
        old = (connection for connection in surplus if now - connection.opened_at > YOUNG_S)
        self._close(old, TOO_MANY_CONNECTIONS)
        self._close(self._surplus_bodies(now - YOUNG_S), SLOW)

    def _surplus_bodies(self, before: float) -> Iterable[Connection]:
        """The longest-arriving bodies of each token beyond its limit, of those that began before a time."""
        for bodies in self._arriving(before).values():
            yield from bodies[: -self._most_bodies]

    def _arriving(self, before: float) -> dict[str, list[Connection]]:
        """By token, the connections whose body began to arrive before a time, oldest first."""
        arriving: dict[str, list[Connection]] = defaultdict(list)
        begun = [(since, connection) for connection in self._proven if (since := connection.body_since) is not None]
        for since, connection in sorted(begun, key=itemgetter(0)):
            if since < before:
                arriving[connection.token].append(connection)
        return arriving

    @property
    def _most_bodies(self) -> int:
        return max(1, int(self._bounds.most * MOST_BODIES))

    def _make_room(self, now: float) -> None:
        """Close the longest overdue connection; else the oldest of the largest group; else an idle one.

        Neither a young connection is overdue nor one with unread input, which waits for a slow receiver: the gateway's
        new connection is never closed first, nor are its bodies while another client has more connections.
        """
        overdue = self._longest_overdue()
        old = (connection for since, connection in overdue if now - since > YOUNG_S and not connection.has_unread_input)
        if surplus := next(old, None) or self._oldest_of_most(now) or self._idle():
            self._close((surplus,), TOO_MANY_CONNECTIONS)
        elif overdue:
            self._close((overdue[0][1],), TOO_MANY_CONNECTIONS)

    def _longest_overdue(self) -> list[tuple[float, Connection]]:
        """The CANDIDATES connections whose rest has been awaited longest, with the times since when."""
        connections = (*self._unproven, *self._proven)
        overdue = ((since, connection) for connection in connections if (since := connection.awaited_since) is not None)
        return heapq.nsmallest(CANDIDATES, overdue, key=itemgetter(0))

    def _oldest_of_most(self, now: float) -> Connection | None:
        """The oldest connection of the address with most unproven ones, or of the token with even more bodies.

        A token's bodies count only beyond its limit. Connections without unread input come first.
        """
        groups: dict[str, list[Connection]] = defaultdict(list)
        for connection in self._unproven:
            groups[connection.address].append(connection)
        bodies = [arriving for arriving in self._arriving(now).values() if len(arriving) > self._most_bodies]
        oldest = max([*bodies, *groups.values()], key=len, default=[])[:CANDIDATES]
        return next((connection for connection in oldest if not connection.has_unread_input), next(iter(oldest), None))

    def _idle(self) -> Connection | None:
        """The least recently used proven connection without a request in progress."""
        return next((connection for connection in self._proven if not connection.is_in_request), None)

    def _close(self, connections: Iterable[Connection], cause: str) -> None:
        for connection in list(connections):
            if connection in self._unproven or connection in self._proven:
                self.closed(connection)
                self._metrics.refused(cause)
                connection.protocol.transport.abort()


def _is_overdue(connection: Connection, before: float) -> bool:
    """Whether a head, or the unread rest of an answered body, has been awaited since before a time."""
    if connection.head_since is not None:
        return connection.head_since < before
    return connection.body_since is not None and connection.body_since < before and not connection.is_in_request
