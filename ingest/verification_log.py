"""Verification log: tallies verdicts, and every second logs them and stores them in the ledger for `doctor`.

No delivery waits for it; verdicts that a killed receiver has not stored yet are lost, and not needed.
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
"""A verifier's mode is stored at least this often: the ledger may have been replaced."""
MOST_IDS = 20
"""Most delivery ids in one log line."""
MOST_SOURCES = 1000
"""Most addresses remembered that sent verified deliveries, the latest."""


@dataclass(slots=True)
class _Tally:
    held: Counter[str] = field(default_factory=Counter)
    """Verified deliveries since the last flaw, by what verified them."""
    flaws: Counter[str] = field(default_factory=Counter)
    flaw: str | None = None
    foreign: int = 0
    """Flaws from addresses that never sent a verified delivery, while others did."""
    ids: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.held or self.flaw or self.foreign)


class VerificationLog:
    """The verdicts of one receiver's verifiers. `modes` is by verifier name, including those that are off."""

    def __init__(self, redis: Redis, modes: Mapping[str, str], metrics: ReceiverMetrics) -> None:
        self._redis, self._modes, self._metrics = redis, modes, metrics
        self._tallies = {verifier: _Tally() for verifier in modes}
        self._sources: dict[str, OrderedDict[str, None]] = {verifier: OrderedDict() for verifier in modes}
        self._known: set[tuple[str, str]] = set()

    def verified(self, verifier: str, by: str, source: str) -> None:
        """Record a verified delivery."""
        self._tallies[verifier].held[by] += 1
        self._metrics.examined(verifier, HELD)
        sources = self._sources[verifier]
        if source not in sources:
            sources[source] = None
            if len(sources) > MOST_SOURCES:
                sources.popitem(last=False)

    def failed(self, verifier: str, flaw: str, delivery_id: str, source: str) -> None:
        """Record a flawed delivery.

        A flaw from an address that has sent verified deliveries restarts their count; from any other address it counts
        separately, or another party with a stolen token could reset the count for ever.
        """
        tally = self._tallies[verifier]
        if self._sources[verifier] and source not in self._sources[verifier]:
            tally.foreign += 1
        else:
            tally.held.clear()
            tally.flaw = flaw
        tally.flaws[flaw] += 1
        if len(tally.ids) < MOST_IDS:
            tally.ids.append(delivery_id)
        self._metrics.examined(verifier, flaw)

    async def run(self) -> None:
        """Log and store the tallies for ever."""
        stored_at = dict.fromkeys(self._modes, float("-inf"))
        while True:
            now = time.monotonic()
            for verifier, mode in self._modes.items():
                due = self._tallies[verifier] or now - stored_at[verifier] > REPEAT_S
                if due and await self._flush(verifier, mode):
                    stored_at[verifier] = now
            await asyncio.sleep(PERIOD_S)

    async def _flush(self, verifier: str, mode: str) -> bool:
        """Log a tally and store it; if storing fails, add it to the next. Returns whether it was stored."""
        tally, self._tallies[verifier] = self._tallies[verifier], _Tally()
        self._log(verifier, mode, tally)
        stored = False
        with suppress(RedisError, OSError):
            await self._store(verifier, arguments(mode, tally.flaw, tally.foreign, tally.held))
            stored = True
        if not stored:
            self._restore(verifier, tally)
        return stored

    def _log(self, verifier: str, mode: str, tally: _Tally) -> None:
        for by in tally.held:
            if (verifier, by) not in self._known:
                self._known.add((verifier, by))
                log.info("verified for the first time", guard=verifier, mode=mode, by=by)
        if tally.flaws:
            # the key is not `ids`: these deliveries may have been refused and not kept
            log.warning("verification failed", guard=verifier, mode=mode, flaws=dict(tally.flaws), doubted=tally.ids)

    async def _store(self, verifier: str, arguments: list[str | int]) -> None:
        key = keyspace.guard(verifier)
        try:
            await self._redis.evalsha(VERIFICATION.sha, 1, key, *arguments)
        except NoScriptError:
            await self._redis.eval(VERIFICATION.text, 1, key, *arguments)

    def _restore(self, verifier: str, unstored: _Tally) -> None:
        """Add an unstored tally to the current one, without what is logged already."""
        current = self._tallies[verifier]
        current.foreign += unstored.foreign
        if current.flaw is None:
            current.held.update(unstored.held)
            current.flaw = unstored.flaw
