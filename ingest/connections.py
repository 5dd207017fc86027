"""Connections: who may stay, while nobody knows yet who it is.

Whoever is slow, or opens many, costs a file descriptor and some memory each. A connection is *proven* once it has
brought a token of ours, and then no limit on strangers meets it: the gateway is never in the way of its own bounds.
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
"""In all, of those older than YOUNG_S."""
MOST_BODIES = 0.25
"""Of all connections, those of one token whose bodies are arriving."""
YOUNG_S = 1.0
"""Below that age a connection is not closed for being one of many: the gateway's may be among them."""
LOOKED_AT = 16
"""Of those that would go next, whether one of them has sent what is not read yet."""
SPARE_FILES = 64
"""Of the files that a process may open, for everything else."""


@dataclass(slots=True, eq=False)
class Connection:
    """One connection, and where its conversation is: before, in or behind the head of a request, or in its body."""

    protocol: HttpToolsProtocol
    address: str
    opened_at: float
    registry: "Connections"
    head_since: float | None
    """Since when it owes us the rest of a head; None while it does not."""
    head_size: int | None = None
    """Bytes of that head, but for those with which it began; None as long as it has only begun."""
    body_since: float | None = None
    """Since when it owes us the rest of a body."""
    around_body: int = 0
    """Bytes that came with a body and are none of it, less those that its chunks may need."""
    is_first_reading: bool = True
    """Whether the head of the request in hand has begun in what is being read: other requests may be in that, too."""
    token: str = ""
    """The fingerprint of the token that it brought last."""
    is_proven: bool = False

    @property
    def is_in_request(self) -> bool:
        """Whether the application has a request of it in hand."""
        cycle = self.protocol.cycle
        return cycle is not None and not cycle.response_complete

    @property
    def owes_since(self) -> float | None:
        """Since when it owes us the rest of a head or of a body; None while it does not."""
        return self.body_since if self.head_since is None else self.head_since

    @property
    def waits_for_us(self) -> bool:
        """Whether it has sent what we have not read yet, and still listens: whatever is due of it may be here."""
        file: int = self.protocol.transport.get_extra_info("socket").fileno()
        if file < 0:
            return False
        poll = select.poll()
        poll.register(file, select.POLLIN | select.POLLRDHUP)
        return any(events == select.POLLIN for _, events in poll.poll(0))

    @property
    def is_gone(self) -> bool:
        """Whether nobody hears what is answered."""
        return self.protocol.transport.is_closing()

    def prove(self, token: str = "") -> None:
        """It has brought a token of ours, of this fingerprint, now."""
        self.token = token
        self.registry.proven(self)

    def end_after_answer(self) -> None:
        """Have the answer to the request in hand be the last."""
        self.protocol.cycle.keep_alive = False


@dataclass(slots=True)
class Bounds:
    """What a receiver allows."""

    patience_s: float
    """For a head, and for the rest of a body that has been answered already."""
    most_of_one: int
    """Unproven connections of one address."""
    is_proxy: Callable[[str], bool] = field(default=lambda _: False)
    """Behind a proxy of ours there is everybody, so it may have many."""
    most: int = 0
    """In all; 0 for as many as the process may open files, but for some."""

    def __post_init__(self) -> None:
        if not self.most:
            files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            self.most = sys.maxsize if files == resource.RLIM_INFINITY else max(SPARE_FILES, files - SPARE_FILES)


class Connections:
    """All of one receiver."""

    def __init__(self, bounds: Bounds, metrics: ReceiverMetrics) -> None:
        self._bounds, self._metrics = bounds, metrics
        self._unproven: dict[Connection, None] = {}  # the oldest first
        self._proven: dict[Connection, None] = {}  # the one first whose last request is longest ago

    def __len__(self) -> int:
        return len(self._unproven) + len(self._proven)

    def opened(self, protocol: HttpToolsProtocol, address: str, now: float) -> Connection:
        """A new one; where there is no room, another one has to go."""
        if len(self) >= self._bounds.most:
            self._make_room(now)
        connection = Connection(protocol, address, now, self, head_since=now)
        self._unproven[connection] = None
        return connection

    def closed(self, connection: Connection) -> None:
        """It is gone."""
        self._unproven.pop(connection, None)
        self._proven.pop(connection, None)

    def proven(self, connection: Connection) -> None:
        """One has brought a token of ours, now."""
        if connection.is_proven:
            self._proven.pop(connection, None)
        else:
            connection.is_proven = True
            self._unproven.pop(connection, None)
        self._proven[connection] = None

    def tidy(self, now: float) -> None:
        """Close who has kept us waiting too long, and the oldest of those that are too many and proved nothing."""
        late = now - self._bounds.patience_s
        slow = [one for one in (*self._unproven, *self._proven) if _owes_since(one, late)]
        self._close(slow, SLOW)
        by_address: dict[str, list[Connection]] = defaultdict(list)
        for connection in self._unproven:
            by_address[connection.address].append(connection)
        surplus = [
            connection
            for address, some in by_address.items()
            if not self._bounds.is_proxy(address)
            for connection in some[: -self._bounds.most_of_one]
        ]
        surplus += list(self._unproven)[:-MOST_UNPROVEN]
        self._close((one for one in surplus if now - one.opened_at > YOUNG_S), TOO_MANY_CONNECTIONS)
        self._close(self._surplus_bodies(now - YOUNG_S), SLOW)

    def _surplus_bodies(self, before: float) -> Iterable[Connection]:
        """Of each token the bodies that have been arriving longest, since before then, where they are too many."""
        for bodies in self._arriving(before).values():
            yield from bodies[: -self._most_bodies]

    def _arriving(self, before: float) -> dict[str, list[Connection]]:
        """By token the bodies that have been arriving since before then, the oldest first."""
        arriving: dict[str, list[Connection]] = defaultdict(list)
        bodies = [(since, one) for one in self._proven if (since := one.body_since) is not None and since < before]
        for _, connection in sorted(bodies, key=itemgetter(0)):
            arriving[connection.token].append(connection)
        return arriving

    @property
    def _most_bodies(self) -> int:
        return max(1, int(self._bounds.most * MOST_BODIES))

    def _make_room(self, now: float) -> None:
        """Who has owed us something longest; else the oldest of those who have most; else the idle one.

        A young connection owes us nothing yet, nor does one that waits for us because we are slow: the gateway's new
        one is never the first to go, nor, where a stranger has more, are its bodies.
        """
        owing = self._longest_owing()
        old = (one for since, one in owing if now - since > YOUNG_S and not one.waits_for_us)
        if goes := next(old, None) or self._oldest_of_most(now) or self._idle():
            self._close((goes,), TOO_MANY_CONNECTIONS)
        elif owing:
            self._close((owing[0][1],), TOO_MANY_CONNECTIONS)

    def _longest_owing(self) -> list[tuple[float, Connection]]:
        """Who has owed us something longest, and since when: the first few."""
        owing = ((since, one) for one in (*self._unproven, *self._proven) if (since := one.owes_since) is not None)
        return heapq.nsmallest(LOOKED_AT, owing, key=itemgetter(0))

    def _oldest_of_most(self, now: float) -> Connection | None:
        """Of the address that has most unproven connections, or of the token with still more bodies, the oldest.

        A token's bodies count where they are too many. If it may be, one that does not wait for us.
        """
        groups: dict[str, list[Connection]] = defaultdict(list)
        for connection in self._unproven:
            groups[connection.address].append(connection)
        bodies = [some for some in self._arriving(now).values() if len(some) > self._most_bodies]
        oldest = max([*bodies, *groups.values()], key=len, default=[])[:LOOKED_AT]
        return next((one for one in oldest if not one.waits_for_us), next(iter(oldest), None))

    def _idle(self) -> Connection | None:
        """The proven one whose last request is longest ago, of those that have none in hand."""
        return next((one for one in self._proven if not one.is_in_request), None)

    def _close(self, some: Iterable[Connection], cause: str) -> None:
        for connection in list(some):
            if connection in self._unproven or connection in self._proven:
                self.closed(connection)
                self._metrics.refused(cause)
                connection.protocol.transport.abort()


def _owes_since(connection: Connection, before: float) -> bool:
    """Whether a head, or the rest of a body that nobody reads any more, has been due since then."""
    if connection.head_since is not None:
        return connection.head_since < before
    return connection.body_since is not None and connection.body_since < before and not connection.is_in_request
