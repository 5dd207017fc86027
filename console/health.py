"""Health: the checks of `seven-ingest status`, as a page shows them: within 3 seconds, and at most every 10 seconds."""

import asyncio
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.settings import ConsoleSettings
from gateway.hook_state import HookState
from operations.checks.check import Check, Grade, Unread, count
from operations.checks.readings import StatusReadings, read_now
from operations.checks.registry import judge_now
from operations.checks.subject import Replicas, Subject
from operations.journal_state import JournalState
from store.row_counts import RowCounts
from store.schema import OPEN_OUTCOMES

FRESH_S = 10.0
"""Checks are not repeated within this time, however many look."""
STALE_S = 120.0
"""Older checks are not shown."""
LONGEST_S = 3.0
"""Longest wait of a page for checks that run; they go on for the next look."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Accepted deliveries that wait for a worker."""

    batches: int
    waits_for: timedelta | None
    """How long the oldest has waited; None if none waits."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the checks found."""

    at: datetime
    checks: tuple[Check, ...]
    backlog: Backlog | str
    """Or why it is unknown."""
    hooks: HookState | None
    """As the reconciler left them; None where Redis does not answer."""
    open: Mapping[str, int] | None
    """Deliveries that somebody has to look at, by outcome; None where the database does not answer."""
    journal: JournalState | None
    """How the gateway's journal was read; None where it is not, or Redis does not answer."""
    missing: Mapping[str, int] | None
    """Webhooks that are `late` and `missed` by it; None where the database does not answer."""

    @property
    def grade(self) -> Grade:
        """The worst of all."""
        grades = {check.grade for check in self.checks}
        return next((g for g in (Grade.WRONG, Grade.UNKNOWN, Grade.WARNING) if g in grades), Grade.GOOD)

    @property
    def counts(self) -> dict[str, int]:
        """The number of checks by grade."""
        return {grade.value: number for grade, number in count(self.checks).items() if number}


class HealthWatch:
    """Runs the checks while people look, and keeps what they found."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._subject = _subject(settings)
        self._latest: Health | None = None
        self._latest_at = -STALE_S
        self._run: asyncio.Task[None] | None = None

    async def look(self) -> Health | None:
        """The latest checks, from the last seconds; None while the first ones take longer than a page waits."""
        age_s = time.monotonic() - self._latest_at
        if age_s > FRESH_S and (self._run is None or self._run.done()):
            self._run = asyncio.create_task(self._refresh())
        if age_s > 3 * FRESH_S and self._run:
            await asyncio.wait([self._run], timeout=LONGEST_S)
        return self._latest if time.monotonic() - self._latest_at < STALE_S else None

    async def _refresh(self) -> None:
        health = await asyncio.to_thread(read_health, self._subject)
        self._latest, self._latest_at = health, time.monotonic()


def read_health(subject: Subject) -> Health:
    """Run the checks. Every wait is bounded."""
    now = read_now(subject)
    redis = now.redis
    hooks, read = (None, None) if isinstance(redis, Unread) else (redis.hooks, redis.journal)
    return Health(now.at, tuple(judge_now(now, subject)), _backlog(now), hooks, _open(now), read, _missing(now))


def _open(now: StatusReadings) -> Mapping[str, int] | None:
    if not isinstance(now.store, RowCounts):
        return None
    counts = {deliveries.outcome: deliveries.count for deliveries in now.store.open}
    return {outcome: counts.get(outcome, 0) for outcome in reversed(OPEN_OUTCOMES)}


def _missing(now: StatusReadings) -> Mapping[str, int] | None:
    if not isinstance(now.store, RowCounts):
        return None
    return {state: now.store.missed_webhooks.get(state, 0) for state in ("late", "missed")}


def _backlog(now: StatusReadings) -> Backlog | str:
    if isinstance(now.redis, Unread):
        return f"Redis does not answer: {now.redis.reason}"
    figures = now.redis.ledger.figures
    oldest = min((queue.oldest_at for queue in figures.queues.values() if queue.oldest_at), default=None)
    return Backlog(
        sum(queue.pending for queue in figures.queues.values()),
        max(timedelta(0), figures.now - oldest) if oldest else None,
    )


def _subject(settings: ConsoleSettings) -> Subject:
    """The installation, as far as the console knows it."""
    return Subject(
        settings=settings,
        account=settings.account,
        store_url=settings.reader_url,
        receiver_url=settings.seven_receiver_url or "http://127.0.0.1:8000",
        flower_url="",
        flower_auth=None,
        places={},
        replicas=Replicas(socket.gethostname()),
        emulated=False,
        knows_account=settings.seven_api_key is not None,
    )
