"""Sends requests to receivers concurrently, each until the gateway would accept the answer or give up."""

import asyncio
import heapq
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

import httpx2

from emulator.auth import Signing
from emulator.report import DeliveryResult, Report, State, read_answer
from emulator.wire import Request

MINUTE_S = 60.0
HOUR_S = 3600.0

RETRIED = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the gateway retries, as it does after a timeout or a broken connection. No source says that it
honours Retry-After."""

WAITS_S = (
    *(1 * MINUTE_S, 5 * MINUTE_S, 30 * MINUTE_S, 60 * MINUTE_S, 2 * HOUR_S),
    # The vendor's page ends here; up to 14 attempts over about 3.5 days imply steps like these.
    *(6 * HOUR_S, 8 * HOUR_S, 10 * HOUR_S, 10 * HOUR_S, 10 * HOUR_S, 12 * HOUR_S, 12 * HOUR_S, 12 * HOUR_S),
)
"""Seconds between each attempt and the next: 14 attempts."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The gateway's retry policy (its webhooks page, section "Delivery & retries"), with time compressed."""

    compression: float = 300.0
    """Gateway seconds per second here: at 300 a minute takes 0.2 s, three and a half days take 17 min."""
    timeout_s: float = 5.0
    """Timeout of one attempt, not compressed: the receiver runs at normal speed."""
    waits_s: tuple[float, ...] = WAITS_S

    def wait_s(self, attempts: int) -> float | None:
        """Compressed seconds until the next attempt after so many; None when the gateway gives up."""
        return self.waits_s[attempts - 1] / self.compression if attempts <= len(self.waits_s) else None


def is_success(status: int) -> bool:
    """Whether the gateway accepts this status. A redirect counts as success and is never followed."""
    return 200 <= status < 400


_UNSENDABLE = (httpx2.InvalidURL, ValueError)
"""Raised for what no request can carry, such as too long a URL. It must not end the deliveries of other hooks."""

USER_AGENT = ("user-agent", "seven-ingest-emulator")  # the gateway's own is unknown
IDLE_S = 2.0  # receivers commonly close an idle connection after 5 s; sending at that moment would look like a failure


@dataclass(order=True, slots=True)
class _Due:
    """A delivery, and the time of its next attempt."""

    at: float
    number: int
    request: Request = field(compare=False)
    attempts: int = field(default=0, compare=False)
    signature: tuple[tuple[str, str], ...] = field(default=(), compare=False)


class Sender:
    """Sends one series of deliveries; `report` is updated while it runs."""

    def __init__(
        self,
        requests: Iterable[Request | None],
        policy: RetryPolicy | None = None,
        *,
        concurrency: int = 64,
        rate: float | None = None,
        signing: Signing | None = None,
    ) -> None:
        """Send at most `concurrency` requests at once, and begin at most `rate` new ones per second.

        A request is drawn from `requests` when it can be sent at once, so a generator may decide its content at that
        moment; None is a turn without a request.
        """
        self.report = Report()
        self._requests = iter(requests)
        self._policy = policy or RetryPolicy()
        self._concurrency = concurrency
        self._rate = rate
        self._signing = signing
        self._began_at = self._drawn_at = 0.0
        self._drawn = 0
        self._begun = 0
        self._ended = 0
        self._exhausted = False
        self._due: list[_Due] = []
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()

    async def run(self) -> Report:
        """Send every delivery to its end. Deliveries that wait for a retry do not hold up others."""
        self._began_at = self._drawn_at = asyncio.get_running_loop().time()
        ssl_context = httpx2.create_ssl_context()
        async with asyncio.TaskGroup() as connections:
            for _ in range(self._concurrency):
                transport = httpx2.AsyncHTTPTransport(verify=ssl_context, limits=_ONE_CONNECTION)
                connections.create_task(self._connection(transport))
        return self.report

    async def _connection(self, transport: httpx2.AsyncHTTPTransport) -> None:
        """Send over one persistent connection: a pool for each connection is twice as fast as a pool for all."""
        async with transport:
            while due := await self._next():
                await self._attempt(transport, due)

    async def _next(self) -> _Due | None:
        """The attempt that became due first, retry or new delivery; None when all deliveries have ended.

        One connection at a time waits for it, the others queue for the lock.
        """
        async with self._lock:
            while not (self._exhausted and self._ended == self._begun):
                now = asyncio.get_running_loop().time()
                new_at = self._next_draw_at()
                if self._due and self._due[0].at <= min(now, new_at):
                    return heapq.heappop(self._due)
                if new_at <= now:
                    if (new := self._draw(now)) is not None:
                        return new
                    await asyncio.sleep(0)
                else:
                    await self._wait(min(new_at, self._due[0].at if self._due else math.inf))
        return None

    def _next_draw_at(self) -> float:
        if self._exhausted:
            return math.inf
        return self._drawn_at if self._rate is None else self._began_at + self._drawn / self._rate

    def _draw(self, now: float) -> _Due | None:
        try:
            request = next(self._requests)
        except StopIteration:
            self._exhausted = True
            return None
        self._drawn, self._drawn_at = self._drawn + 1, now
        if request is None:
            return None
        self._begun += 1
        due = _Due(now + request.delay_s, self._begun - 1, request)
        if not request.delay_s:
            return due
        heapq.heappush(self._due, due)
        return None

    async def _wait(self, until: float) -> None:
        """Wait until this time, or until a retry is scheduled or a delivery ends."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if until == math.inf else until):
                await self._changed.wait()

    async def _attempt(self, transport: httpx2.AsyncHTTPTransport, due: _Due) -> None:
        if self._signing is not None and (not due.signature or self._signing.resign_retries):
            due.signature = self._signing.headers(due.request)
        due.attempts += 1
        self.report.attempts += 1
        status, body, reason = None, b"", ""
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                # Uses the transport directly: a client would log each URL, which contains the token.
                answer = await transport.handle_async_request(_outgoing(due.request, due.signature))
                body, status = await answer.aread(), answer.status_code
        except TimeoutError:
            reason = "timeout"
        except (httpx2.RequestError, *_UNSENDABLE):
            reason = "connection"
        if status is None or status in RETRIED:
            self._retry(due, status, reason or str(status))
        elif is_success(status):
            delivery_id, outcome = read_answer(status, body)
            hook_id = due.request.hook_id
            self._end(due, DeliveryResult(State.DELIVERED, due.attempts, status, delivery_id, outcome, hook_id))
        else:
            self._end(due, DeliveryResult(State.REFUSED, due.attempts, status, hook_id=due.request.hook_id))

    def _retry(self, due: _Due, status: int | None, reason: str) -> None:
        wait_s = self._policy.wait_s(due.attempts)
        if wait_s is None:
            self._end(due, DeliveryResult(State.GIVEN_UP, due.attempts, status, hook_id=due.request.hook_id))
            return
        self.report.retries[reason] += 1
        due.at = asyncio.get_running_loop().time() + wait_s
        heapq.heappush(self._due, due)
        self._changed.set()

    def _end(self, due: _Due, result: DeliveryResult) -> None:
        self.report.results[due.number] = result
        self._ended += 1
        self._changed.set()


async def deliver(
    requests: Iterable[Request | None],
    policy: RetryPolicy | None = None,
    *,
    concurrency: int = 64,
    rate: float | None = None,
) -> Report:
    """Send every delivery to its end, and report."""
    return await Sender(requests, policy, concurrency=concurrency, rate=rate).run()


_ONE_CONNECTION = httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_S)


_url = lru_cache(maxsize=32)(httpx2.URL)  # most requests share a URL, and parsing it costs a tenth of a delivery


def _outgoing(request: Request, signature: tuple[tuple[str, str], ...]) -> httpx2.Request:
    headers = [(name.encode(), value.encode()) for name, value in (USER_AGENT, *request.headers, *signature)]
    return httpx2.Request(request.method, _url(request.url), headers=headers, content=request.body)
