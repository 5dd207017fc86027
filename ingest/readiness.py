"""Readiness: whether deliveries can be accepted durably, probed in the background and answered from memory."""

import asyncio
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ledger.health import FULL_AT, UNKNOWN_ROOM, LedgerHealth, probe
from ledger.primary import leave_server_async
from runtime.logs import logger
from runtime.redis_errors import redis_reason

log = logger("seven.ingest")

PERIOD_S = 0.5
STALE_S = 3.0  # an older probe no longer counts
MOST_ANNOUNCEMENTS = 10_000  # per queue in the broker; beyond, the sweep announces once workers have taken them
LEAST_ROOM = 256 * 1024  # bytes: with less, a large delivery is refused already


class Readiness:
    """Result of the last probe of the ledger."""

    def __init__(self, redis: Redis, ledger_limit: int, replicas: int = 0) -> None:
        self._redis, self._ledger_limit, self._replicas = redis, ledger_limit, replicas
        self._health: LedgerHealth | None = None
        self._reason = "the ledger has not answered yet"
        self._at = float("-inf")
        self._written = 0
        self._draining = False

    async def run(self) -> None:
        """Probe for ever."""
        logged: list[str] = []
        missing: tuple[str, ...] = ()
        while True:
            await self.refresh()
            reasons = self.reasons()
            if reasons != logged:
                log.warning("not ready", hindrances="; ".join(reasons)) if reasons else log.info("ready")
                logged = reasons
            if (health := self.health) and health.missing_rights != missing:
                missing = health.missing_rights
                log.warning("the ledger denies some information", missing="; ".join(missing) or "nothing any more")
            await asyncio.sleep(PERIOD_S)

    async def refresh(self) -> None:
        """Probe once."""
        try:
            health = await probe(self._redis, self._ledger_limit, self._replicas)
        except (RedisError, OSError) as error:
            self._reason = f"the ledger does not answer ({redis_reason(error)})"
            self._at = float("-inf")
            return
        self._health, self._written, self._at = health, 0, time.monotonic()
        if not health.is_primary:  # a replica loses what it accepts; the next connection may lead to the primary
            await leave_server_async(self._redis)

    @property
    def health(self) -> LedgerHealth | None:
        """Health of the ledger's server; None while unknown."""
        return None if time.monotonic() - self._at > STALE_S else self._health

    def may_announce(self, queue: str) -> bool:
        """Whether workers take this queue's announcements: if none does, more would only fill the ledger's memory."""
        health = self._health
        return health is None or health.announcements.get(queue, 0) < MOST_ANNOUNCEMENTS

    def drain(self) -> None:
        """Report from now on that the receiver is shutting down."""
        self._draining = True

    def room(self) -> int:
        """Bytes that the ledger can still take: by the last probe, less the bytes written since.

        Before the first probe there is no bound; a write to the ledger then shows.
        """
        return UNKNOWN_ROOM if self._health is None else self._health.room - self._written

    def wrote(self, size: int) -> None:
        """Count bytes written since the last probe; twice, for Redis' own overhead."""
        self._written += 2 * size

    def reasons(self) -> list[str]:
        """Why deliveries cannot be accepted durably now; empty when they can."""
        if self._draining:
            return ["the receiver is shutting down"]
        if self._health is None or time.monotonic() - self._at > STALE_S:
            return [self._reason]
        reasons = [f"the ledger: {text}" for text in self._health.reasons]
        if self.room() < LEAST_ROOM:
            reasons.append(f"the ledger: {FULL_AT:.0%} of its memory is in use")
        return reasons
