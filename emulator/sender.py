"""Sender: requests to a receiver, many at once, each until the gateway would be content or give up."""

import asyncio
import heapq
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

import httpx2

from emulator.auth import Signing
from emulator.report import Fate, Report, State, read_answer
from emulator.wire import Request

MINUTE_S = 60.0
HOUR_S = 3600.0

RETRIED = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the gateway tries again, as it does after a timeout or a broken connection. Nothing says that it
heeds Retry-After."""

WAITS_S = (
    *(1 * MINUTE_S, 5 * MINUTE_S, 30 * MINUTE_S, 60 * MINUTE_S, 2 * HOUR_S),
    # The vendor's page is cut here; up to 14 attempts over about 3.5 days leave steps like these.
    *(6 * HOUR_S, 8 * HOUR_S, 10 * HOUR_S, 10 * HOUR_S, 10 * HOUR_S, 12 * HOUR_S, 12 * HOUR_S, 12 * HOUR_S),
)
"""Seconds between each attempt and the next: 14 attempts."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The gateway's patience (its webhooks page, section "Delivery & retries"), with time compressed."""

    compression: float = 300.0
    """Seconds of the gateway's in one of ours: at 300 its minute is 0.2 s, its three and a half days are 17 min."""
    timeout_s: float = 5.0
    """Ours for one attempt, not compressed: a receiver is not faster for being watched."""
    waits_s: tuple[float, ...] = WAITS_S

    def wait_s(self, attempts: int) -> float | None:
        """Our seconds until the next attempt after so many; None when the gateway gives up."""
        return self.waits_s[attempts - 1] / self.compression if attempts <= len(self.waits_s) else None


def is_success(status: int) -> bool:
    """Whether the gateway is content. It takes a redirect for success and never follows one."""
    return 200 <= status < 400


USER_AGENT = ("user-agent", "seven-ingest-emulator")  # the gateway's own is not known
IDLE_S = 2.0  # receivers commonly close an idle connection after 5 s; to meet that moment would look like a failure


@dataclass(order=True, slots=True)
class _Due:
    """A delivery, and when its next attempt is due."""

    at: float
    number: int
    request: Request = field(compare=False)
    attempts: int = field(default=0, compare=False)
    signature: tuple[tuple[str, str], ...] = field(default=(), compare=False)


class Sender:
    """One round of deliveries; `report` grows while it runs."""

    def __init__(
        self,
        requests: Iterable[Request | None],
        policy: RetryPolicy | None = None,
        *,
        concurrency: int = 64,
        rate: float | None = None,
        signing: Signing | None = None,
    ) -> None:
        """At most `concurrency` requests are under way, and at most `rate` new ones begin in a second.

        `requests` is drawn from when a delivery can begin at once, so it may be a generator that decides at that
        moment what is sent; None is a turn without a delivery.
        """
        self.report = Report()
        self._fresh = iter(requests)
        self._policy = policy or RetryPolicy()
        self._lines = concurrency
        self._rate = rate
        self._signing = signing
        self._began_at = self._drawn_at = 0.0
        self._drawn = 0
        self._made = 0
        self._ended = 0
        self._exhausted = False
        self._due: list[_Due] = []
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()

    async def run(self) -> Report:
        """Make every delivery to its end. What waits for its retry is in nobody's way."""
        self._began_at = self._drawn_at = asyncio.get_running_loop().time()
        ssl_context = httpx2.create_ssl_context()
        async with asyncio.TaskGroup() as lines:
            for _ in range(self._lines):
                lines.create_task(self._line(httpx2.AsyncHTTPTransport(verify=ssl_context, limits=_ONE)))
        return self.report

    async def _line(self, transport: httpx2.AsyncHTTPTransport) -> None:
        """One connection to the receiver, kept: a pool of one per line is twice as fast as a pool for all."""
        async with transport:
            while due := await self._next():
                await self._attempt(transport, due)

    async def _next(self) -> _Due | None:
        """The attempt that became due first, retries and new deliveries alike; None when all is done.

        One line at a time waits for it, the others stand behind.
        """
        async with self._turn:
            while not (self._exhausted and self._ended == self._made):
                now = asyncio.get_running_loop().time()
                fresh_at = self._fresh_at()
                if self._due and self._due[0].at <= min(now, fresh_at):
                    return heapq.heappop(self._due)
                if fresh_at <= now:
                    if (fresh := self._draw(now)) is not None:
                        return fresh
                    await asyncio.sleep(0)
                else:
                    await self._wait(min(fresh_at, self._due[0].at if self._due else math.inf))
        return None

    def _fresh_at(self) -> float:
        if self._exhausted:
            return math.inf
        return self._drawn_at if self._rate is None else self._began_at + self._drawn / self._rate

    def _draw(self, now: float) -> _Due | None:
        try:
            request = next(self._fresh)
        except StopIteration:
            self._exhausted = True
            return None
        self._drawn, self._drawn_at = self._drawn + 1, now
        if request is None:
            return None
        self._made += 1
        return _Due(now, self._made - 1, request)

    async def _wait(self, until: float) -> None:
        """Until then, or until something has changed."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if until == math.inf else until):
                await self._changed.wait()

    async def _attempt(self, transport: httpx2.AsyncHTTPTransport, due: _Due) -> None:
        if self._signing is not None and (not due.signature or self._signing.renewed):
            due.signature = self._signing.headers(due.request)
        due.attempts += 1
        self.report.attempts += 1
        status, body, cause = None, b"", ""
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                # The transport itself: a client would log each URL, and the token is in it.
                answer = await transport.handle_async_request(_outgoing(due.request, due.signature))
                body, status = await answer.aread(), answer.status_code
        except TimeoutError:
            cause = "timeout"
        except httpx2.RequestError:
            cause = "connection"
        if status is None or status in RETRIED:
            self._retry(due, status, cause or str(status))
        elif is_success(status):
            told_id, outcome = read_answer(status, body)
            self._end(due, Fate(State.DELIVERED, due.attempts, status, told_id, outcome, due.request.hook_id))
        else:
            self._end(due, Fate(State.REFUSED, due.attempts, status, hook_id=due.request.hook_id))

    def _retry(self, due: _Due, status: int | None, cause: str) -> None:
        wait_s = self._policy.wait_s(due.attempts)
        if wait_s is None:
            self._end(due, Fate(State.GIVEN_UP, due.attempts, status, hook_id=due.request.hook_id))
            return
        self.report.retries[cause] += 1
        due.at = asyncio.get_running_loop().time() + wait_s
        heapq.heappush(self._due, due)
        self._changed.set()

    def _end(self, due: _Due, fate: Fate) -> None:
        self.report.fates[due.number] = fate
        self._ended += 1
        self._changed.set()


async def deliver(
    requests: Iterable[Request | None],
    policy: RetryPolicy | None = None,
    *,
    concurrency: int = 64,
    rate: float | None = None,
) -> Report:
    """Make every delivery to its end, and report."""
    return await Sender(requests, policy, concurrency=concurrency, rate=rate).run()


_ONE = httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_S)


_url = lru_cache(maxsize=32)(httpx2.URL)  # most requests share one, and to parse it costs a tenth of a delivery


def _outgoing(request: Request, signature: tuple[tuple[str, str], ...]) -> httpx2.Request:
    headers = [(name.encode(), value.encode()) for name, value in (USER_AGENT, *request.headers, *signature)]
    return httpx2.Request(request.method, _url(request.url), headers=headers, content=request.body)
