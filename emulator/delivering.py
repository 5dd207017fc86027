"""Delivering: requests to a receiver, many at once, each until the gateway would be content or give up."""

import asyncio
import heapq
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

import httpx2

from emulator.report import Fate, Report, State, read_answer
from emulator.retrying import RETRIED, RetryPolicy, is_success
from emulator.wire import Request

USER_AGENT = ("user-agent", "seven-ingest-emulator")  # the gateway's own is not known
IDLE_S = 2.0  # receivers commonly close an idle connection after 5 s; to meet that moment would look like a failure


@dataclass(order=True, slots=True)
class _Due:
    """A delivery, and when its next attempt is due."""

    at: float
    number: int
    request: Request = field(compare=False)
    attempts: int = field(default=0, compare=False)


class Delivering:
    """One round of deliveries; `report` grows while it runs."""

    def __init__(
        self,
        requests: Iterable[Request],
        policy: RetryPolicy | None = None,
        *,
        concurrency: int = 64,
        rate: float | None = None,
    ) -> None:
        """At most `concurrency` requests are under way, and at most `rate` new ones begin in a second.

        `requests` is drawn from as there is room, so it may be a generator that writes each when it is asked for.
        """
        self.report = Report()
        self._fresh = enumerate(requests)
        self._policy = policy or RetryPolicy()
        self._lines = concurrency
        self._rate = rate
        self._open = 0
        self._due: list[_Due] = []
        self._changed = asyncio.Event()
        self._ready: asyncio.Queue[_Due | None] = asyncio.Queue(concurrency)

    async def run(self) -> Report:
        """Make every delivery to its end. What waits for its retry is in nobody's way."""
        ssl_context = httpx2.create_ssl_context()
        async with asyncio.TaskGroup() as lines:
            for _ in range(self._lines):
                lines.create_task(self._line(httpx2.AsyncHTTPTransport(verify=ssl_context, limits=_ONE)))
            await self._dispatch()
        return self.report

    async def _dispatch(self) -> None:
        """Hand out what is due, in the order in which it becomes due."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        self._begin_another(began_at)
        while self._open:
            wait_s = self._due[0].at - loop.time() if self._due else None
            if wait_s is None or wait_s > 0:
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._changed.wait()
                continue
            due = heapq.heappop(self._due)
            if due.attempts == 0:
                self._begin_another(began_at)
            await self._ready.put(due)
        for _ in range(self._lines):
            await self._ready.put(None)

    def _begin_another(self, began_at: float) -> None:
        number, request = next(self._fresh, (0, None))
        if request is not None:
            at = asyncio.get_running_loop().time() if self._rate is None else began_at + number / self._rate
            self._open += 1
            heapq.heappush(self._due, _Due(at, number, request))

    async def _line(self, transport: httpx2.AsyncHTTPTransport) -> None:
        """One connection to the receiver, kept: a pool of one per line is twice as fast as a pool for all."""
        async with transport:
            while due := await self._ready.get():
                await self._attempt(transport, due)

    async def _attempt(self, transport: httpx2.AsyncHTTPTransport, due: _Due) -> None:
        due.attempts += 1
        self.report.attempts += 1
        status, body, cause = None, b"", ""
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                # The transport itself: a client would log each URL, and the token is in it.
                answer = await transport.handle_async_request(_outgoing(due.request))
                body, status = await answer.aread(), answer.status_code
        except TimeoutError:
            cause = "timeout"
        except httpx2.RequestError:
            cause = "connection"
        if status is None or status in RETRIED:
            self._retry(due, status, cause or str(status))
        elif is_success(status):
            told_id, outcome = read_answer(status, body)
            self._end(due, Fate(State.DELIVERED, due.attempts, status, told_id, outcome))
        else:
            self._end(due, Fate(State.REFUSED, due.attempts, status))

    def _retry(self, due: _Due, status: int | None, cause: str) -> None:
        wait_s = self._policy.wait_s(due.attempts)
        if wait_s is None:
            self._end(due, Fate(State.GIVEN_UP, due.attempts, status))
            return
        self.report.retries[cause] += 1
        due.at = asyncio.get_running_loop().time() + wait_s
        heapq.heappush(self._due, due)
        self._changed.set()

    def _end(self, due: _Due, fate: Fate) -> None:
        self.report.fates[due.number] = fate
        self._open -= 1
        self._changed.set()


async def deliver(
    requests: Iterable[Request],
    policy: RetryPolicy | None = None,
    *,
    concurrency: int = 64,
    rate: float | None = None,
) -> Report:
    """Make every delivery to its end, and report."""
    return await Delivering(requests, policy, concurrency=concurrency, rate=rate).run()


_ONE = httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_S)


_url = lru_cache(maxsize=8)(httpx2.URL)  # most requests share one, and to parse it costs a tenth of a delivery


def _outgoing(request: Request) -> httpx2.Request:
    return httpx2.Request(
        request.method, _url(request.url), headers=(USER_AGENT, *request.headers), content=request.body
    )
