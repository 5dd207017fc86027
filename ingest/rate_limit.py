"""Rate limit: of requests without a valid hook token, per client address.

Every request without a valid token gets the same 404. It is counted; nothing is stored, logged or looked up for it.
Beyond a rate its answer is delayed, which costs the receiver a timer and slows a flood down.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from ingest.client_address import ClientAddresses
from ingest.metrics import STRANGER, ReceiverMetrics
from ingest.uvicorn_limits import SMALL, answer, answer_early, connection_of
from runtime.ip_address import network_of

BURST_S = 5.0
"""Answers of this many seconds are sent without delay."""
LONGEST_S = 2.0
"""Longest delay of an answer: a waiting connection takes resources, too."""
MOST_WAITING = 500
"""Most requests that wait; further ones are dropped without an answer."""
ADDRESSES = 10_000
"""Most addresses remembered, the latest."""
ALL_ADDRESSES = 10
"""The rate of all addresses together, as a multiple of the rate of one."""

NOT_FOUND = PlainTextResponse("Not Found", 404)


class RateLimit:
    """Answers requests without a valid token with 404, rate-limited per client address."""

    def __init__(
        self,
        client_addresses: ClientAddresses,
        metrics: ReceiverMetrics,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rate` is the answers per second to one address."""
        self._client_addresses, self._metrics, self._rate, self._clock = client_addresses, metrics, rate, clock
        self._turns: OrderedDict[str, float] = OrderedDict()
        self._shared_turn = 0.0
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, in turn."""
        if await self.turn(scope, receive, send):
            await self.answer_not_found(scope, receive, send)

    async def answer_not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404, without delay."""
        self._metrics.refused(STRANGER)
        await answer_early(NOT_FOUND, scope, receive, send)

    async def turn(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Wait for the address' turn. Returns False where the connection has ended, by either side."""
        wait_s = self.wait_s(self._client_addresses.of(scope))
        if wait_s <= 0:
            return True
        if self._waiting >= MOST_WAITING and (connection := connection_of(scope)):
            connection.protocol.transport.abort()
            await answer(NOT_FOUND, scope, receive, send)  # reaches no client; uvicorn would log its absence
            return False
        self._waiting += 1
        try:
            return not await _hangs_up(receive, wait_s)
        finally:
            self._waiting -= 1

    def wait_s(self, address: str) -> float:
        """Seconds that the next answer to an address waits; the answer counts from now on.

        An address over its own rate waits for that alone: it takes none of the shared rate.
        """
        now = self._clock()
        network = network_of(address)
        latest = now + BURST_S + LONGEST_S  # clients that disconnect early are not penalised further
        turn = min(max(self._turns.pop(network, 0.0), now) + 1 / self._rate, latest)
        self._turns[network] = turn
        if len(self._turns) > ADDRESSES:
            self._turns.popitem(last=False)
        wait_s = turn - now - BURST_S
        if wait_s > 0:
            return wait_s
        self._shared_turn = min(max(self._shared_turn, now) + 1 / (ALL_ADDRESSES * self._rate), latest)
        return self._shared_turn - now - BURST_S


async def _hangs_up(receive: Receive, within_s: float) -> bool:
    """Whether a client hangs up within that time. At most SMALL bytes of a body are read: it may be endless."""
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
