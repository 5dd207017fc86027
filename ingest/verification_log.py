"""Observing: what guards say is gathered, and every second logged, and noted in the ledger for `doctor`.

Never in a delivery's way: what a receiver that is killed has not told yet, nobody misses.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from ingest.metrics import HELD, ReceiverMetrics
from ledger import keyspace
from ledger.scripts import VERIFICATION
from ledger.verification_stats import arguments
from runtime.logs import logger

log = logger("seven.ingest")

PERIOD_S = 1.0
REPEAT_S = 60.0
"""A guard's mode is told at least so often: the ledger may be another one by now."""
MOST_NAMED = 20
"""Deliveries named in one line of the log."""
SOURCES = 1000
"""Addresses remembered from which deliveries held, the latest."""


@dataclass(slots=True)
class _Tally:
    held: Counter[str] = field(default_factory=Counter)
    """Since the last flaw."""
    flaws: Counter[str] = field(default_factory=Counter)
    flaw: str | None = None
    foreign: int = 0
    """Flaws of addresses from which nothing has held, while from others something has."""
    ids: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.held or self.flaw or self.foreign)


class VerificationLog:
    """What the guards of one receiver say. `modes` names every guard, those that are off too."""

    def __init__(self, redis: Redis, modes: Mapping[str, str], metrics: ReceiverMetrics) -> None:
        self._redis, self._modes, self._metrics = redis, modes, metrics
        self._tallies = {guard: _Tally() for guard in modes}
        self._sources: dict[str, OrderedDict[str, None]] = {guard: OrderedDict() for guard in modes}
        self._known: set[tuple[str, str]] = set()

    def held(self, guard: str, by: str, source: str) -> None:
        """A delivery held."""
        self._tallies[guard].held[by] += 1
        self._metrics.examined(guard, HELD)
        sources = self._sources[guard]
        if source not in sources:
            sources[source] = None
            if len(sources) > SOURCES:
                sources.popitem(last=False)

    def flawed(self, guard: str, flaw: str, delivery_id: str, source: str) -> None:
        """A delivery had a flaw.

        From where others held, those before it do not count any more; from anywhere else it is told apart, for
        whoever has got hold of a token could spoil the count for ever.
        """
        tally = self._tallies[guard]
        if self._sources[guard] and source not in self._sources[guard]:
            tally.foreign += 1
        else:
            tally.held.clear()
            tally.flaw = flaw
        tally.flaws[flaw] += 1
        if len(tally.ids) < MOST_NAMED:
            tally.ids.append(delivery_id)
        self._metrics.examined(guard, flaw)

    async def run(self) -> None:
        """Tell for ever."""
        told_at = dict.fromkeys(self._modes, float("-inf"))
        while True:
            now = time.monotonic()
            for guard, mode in self._modes.items():
                due = self._tallies[guard] or now - told_at[guard] > REPEAT_S
                if due and await self._tell(guard, mode):
                    told_at[guard] = now
            await asyncio.sleep(PERIOD_S)

    async def _tell(self, guard: str, mode: str) -> bool:
        """Log what has gathered and note it; what could not be noted gathers on. Returns whether it was noted."""
        tally, self._tallies[guard] = self._tallies[guard], _Tally()
        self._log(guard, mode, tally)
        noted = False
        with suppress(RedisError, OSError, TimeoutError):
            await self._note(guard, arguments(mode, tally.flaw, tally.foreign, tally.held))
            noted = True
        if not noted:
            self._gather_again(guard, tally)
        return noted

    def _log(self, guard: str, mode: str, tally: _Tally) -> None:
        for by in tally.held:
            if (guard, by) not in self._known:
                self._known.add((guard, by))
                log.info("the first that held", guard=guard, mode=mode, by=by)
        if tally.flaws:
            # not `ids`: these may have been refused, and not be kept
            log.warning("did not hold", guard=guard, mode=mode, flaws=dict(tally.flaws), doubted=tally.ids)

    async def _note(self, guard: str, words: list[str | int]) -> None:
        key = keyspace.guard(guard)
        try:
            await self._redis.evalsha(VERIFICATION.sha, 1, key, *words)
        except NoScriptError:
            await self._redis.eval(VERIFICATION.text, 1, key, *words)

    def _gather_again(self, guard: str, told: _Tally) -> None:
        """Logged it is already; only what `doctor` asks for is kept."""
        since = self._tallies[guard]
        since.foreign += told.foreign
        if since.flaw is None:
            since.held.update(told.held)
            since.flaw = told.flaw
