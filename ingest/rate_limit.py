"""Rate limits: requests without a valid hook token, per client address; parked and quarantined deliveries, per hour.

Every request without a valid token gets the same 404. Nothing is stored, logged or looked up for it: it is counted.
Beyond a rate its answer waits for a turn, which costs us a timer, and a flood its speed.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from ingest.client_address import ClientAddresses
from ingest.metrics import STRANGER, ReceiverMetrics
from ingest.uvicorn_limits import SMALL, answer, answer_early, connection_of

BURST_S = 5.0
"""So many seconds' worth of answers come at once."""
LONGEST_S = 2.0
"""Nobody waits longer: a connection that waits is one, too."""
MOST_WAITING = 500
"""Together; whoever comes beyond them is not answered."""
ADDRESSES = 10_000
"""Remembered, the latest."""
ALL = 10
"""All together may ask so many times as much as one address."""

NOT_FOUND = PlainTextResponse("Not Found", 404)


class RateLimit:
    """Answers those of one receiver."""

    def __init__(
        self,
        origins: ClientAddresses,
        metrics: ReceiverMetrics,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rate` is answers a second to one address."""
        self._origins, self._metrics, self._rate, self._clock = origins, metrics, rate, clock
        self._turns: OrderedDict[str, float] = OrderedDict()
        self._turn_of_all = 0.0
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one, in turn."""
        if await self.turn(scope, receive, send):
            await self.turn_away(scope, receive, send)

    async def turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one whose turn it is."""
        self._metrics.refused(STRANGER)
        await answer_early(NOT_FOUND, scope, receive, send)

    async def turn(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Wait for an address' turn. Returns whether it is there; else the connection is ended, by either side."""
        wait_s = self.wait_s(self._origins.of(scope))
        if wait_s <= 0:
            return True
        if self._waiting >= MOST_WAITING and (connection := connection_of(scope)):
            connection.protocol.transport.abort()
            await answer(NOT_FOUND, scope, receive, send)  # to nobody: else the server would log that none was made
            return False
        self._waiting += 1
        try:
            return not await _hangs_up(receive, wait_s)
        finally:
            self._waiting -= 1

    def wait_s(self, address: str) -> float:
        """How long the next answer to an address has to wait; then it counts.

        One that is over its own rate waits for that alone: it takes no turn of everybody's.
        """
        now = self._clock()
        whose = _neighbourhood(address)
        longest = now + BURST_S + LONGEST_S  # who does not wait his turn out does not lose more turns either
        turn = min(max(self._turns.pop(whose, 0.0), now) + 1 / self._rate, longest)
        self._turns[whose] = turn
        if len(self._turns) > ADDRESSES:
            self._turns.popitem(last=False)
        wait_s = turn - now - BURST_S
        if wait_s > 0:
            return wait_s
        self._turn_of_all = min(max(self._turn_of_all, now) + 1 / (ALL * self._rate), longest)
        return self._turn_of_all - now - BURST_S


async def _hangs_up(receive: Receive, within_s: float) -> bool:
    """Whether a client hangs up within that time. Of a body so much is taken and dropped: the rest may have no end."""
    began, taken = time.monotonic(), 0
    try:
        async with asyncio.timeout(within_s):
            while taken <= SMALL:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return True
                taken += len(message.get("body", b""))
    except TimeoutError:
        return False
    await asyncio.sleep(max(0.0, within_s - (time.monotonic() - began)))
    return False


def _neighbourhood(address: str) -> str:
    """Of IPv6 the network of one customer, /64: he has all addresses in it."""
    if ":" not in address:
        return address
    try:
        return str(IPv6Address(int(IPv6Address(address.partition("%")[0])) >> 64 << 64))
    except ValueError:
        return address


HOUR_S = 3600


class Quota:
    """A bucket of deliveries and of their bytes, which fills up again within an hour."""

    def __init__(self, most: int, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = (most, most_bytes)
        self._left = (float(most), float(most_bytes))
        self._clock = clock
        self._at = clock()

    def take(self, size: int) -> bool:
        """Whether a delivery of so many bytes may be kept now; then it counts."""
        now = self._clock()
        part, self._at = (now - self._at) / HOUR_S, now
        deliveries, room = (min(most, left + part * most) for most, left in zip(self._most, self._left, strict=True))
        fits = deliveries >= 1 and room >= size
        self._left = (deliveries - 1, room - size) if fits else (deliveries, room)
        return fits
