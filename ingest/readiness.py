"""Readiness: whether deliveries can be accepted durably, probed in the background and answered from memory."""

import asyncio
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ledger.health import FULL_AT, Condition, probe
from runtime.logs import logger
from runtime.redis_url import reason

log = logger("seven.ingest")

PERIOD_S = 0.5
STALE_S = 3.0  # an answer older than this says nothing any more
MOST_ANNOUNCEMENTS = 10_000  # of a queue that wait in the broker; beyond, the sweep announces once they are taken
ROOM = 256 * 1024  # bytes: below this a larger delivery is refused already


class Readiness:
    """What the last probe of the ledger said."""

    def __init__(self, redis: Redis, ledger_limit: int) -> None:
        self._redis, self._ledger_limit = redis, ledger_limit
        self._condition: Condition | None = None
        self._hindrance = "the ledger has not answered yet"
        self._at = float("-inf")
        self._written = 0
        self._draining = False

    async def run(self) -> None:
        """Probe for ever."""
        said: list[str] = []
        missing: tuple[str, ...] = ()
        while True:
            await self.refresh()
            hindrances = self.hindrances()
            if hindrances != said:
                log.warning("not ready", hindrances="; ".join(hindrances)) if hindrances else log.info("ready")
                said = hindrances
            if (condition := self.condition) and condition.missing_rights != missing:
                missing = condition.missing_rights
                log.warning("the ledger does not tell all", missing="; ".join(missing) or "nothing any more")
            await asyncio.sleep(PERIOD_S)

    async def refresh(self) -> None:
        """Probe once."""
        try:
            condition = await probe(self._redis, self._ledger_limit)
        except (RedisError, OSError, TimeoutError) as error:
            self._hindrance = f"the ledger does not answer ({reason(error)})"
            self._at = float("-inf")
            return
        self._condition, self._written, self._at = condition, 0, time.monotonic()
        if not condition.is_primary:  # what it would accept is lost; the next connection may lead to the primary
            await self._redis.connection_pool.disconnect()

    @property
    def condition(self) -> Condition | None:
        """How the ledger's server is; None while that is not known."""
        return None if time.monotonic() - self._at > STALE_S else self._condition

    def may_announce(self, queue: str) -> bool:
        """Whether somebody takes what is announced: while nobody does, more would only fill the ledger's memory."""
        told = self._condition
        return told is None or told.announcements.get(queue, 0) < MOST_ANNOUNCEMENTS

    def drain(self) -> None:
        """From now on say that the receiver is shutting down."""
        self._draining = True

    def room(self) -> int:
        """Bytes that the ledger can still take: by its last answer, less what has been written since.

        A ledger that does not answer sets no bound here; writing to it finds out.
        """
        return 2**62 if self._condition is None else self._condition.room - self._written

    def wrote(self, size: int) -> None:
        """Count what the last answer could not know of yet; twice, for what Redis needs beside the bytes."""
        self._written += 2 * size

    def hindrances(self) -> list[str]:
        """Why deliveries cannot be accepted durably now; empty when they can."""
        if self._draining:
            return ["the receiver is shutting down"]
        if self._condition is None or time.monotonic() - self._at > STALE_S:
            return [self._hindrance]
        found = [f"the ledger: {word}" for word in self._condition.hindrances]
        if self.room() < ROOM:
            found.append(f"the ledger: {FULL_AT:.0%} of its memory is in use")
        return found
