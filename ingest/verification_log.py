"""Verification log: counts verdicts, and every second logs them and stores them in the ledger for `doctor`.

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

from ingest.metrics import VERIFIED, ReceiverMetrics
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
class _Results:
    verified: Counter[str] = field(default_factory=Counter)
    """Verified deliveries since the last flaw, by what verified them."""
    flaws: Counter[str] = field(default_factory=Counter)
    flaw: str | None = None
    foreign: int = 0
    """Flaws from addresses that never sent a verified delivery, while others did."""
    ids: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.verified or self.flaw or self.foreign)


class VerificationLog:
    """The verdicts of one receiver's verifiers. `modes` is by verifier name, including those that are off."""

    def __init__(self, redis: Redis, modes: Mapping[str, str], metrics: ReceiverMetrics) -> None:
        self._redis, self._modes, self._metrics = redis, modes, metrics
        self._results = {verifier: _Results() for verifier in modes}
        self._sources: dict[str, OrderedDict[str, None]] = {verifier: OrderedDict() for verifier in modes}
        self._known: set[tuple[str, str]] = set()

    def verified(self, verifier: str, by: str, source: str) -> None:
        """Record a verified delivery."""
        self._results[verifier].verified[by] += 1
        self._metrics.examined(verifier, VERIFIED)
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
        results = self._results[verifier]
        if self._sources[verifier] and source not in self._sources[verifier]:
            results.foreign += 1
        else:
            results.verified.clear()
            results.flaw = flaw
        results.flaws[flaw] += 1
        if len(results.ids) < MOST_IDS:
            results.ids.append(delivery_id)
        self._metrics.examined(verifier, flaw)

    async def run(self) -> None:
        """Log and store the results for ever."""
        stored_at = dict.fromkeys(self._modes, float("-inf"))
        while True:
            now = time.monotonic()
            for verifier, mode in self._modes.items():
                due = self._results[verifier] or now - stored_at[verifier] > REPEAT_S
                if due and await self._flush(verifier, mode):
                    stored_at[verifier] = now
            await asyncio.sleep(PERIOD_S)

    async def _flush(self, verifier: str, mode: str) -> bool:
        """Log the results and store them; if storing fails, add them to the next. Returns whether they were stored."""
        results, self._results[verifier] = self._results[verifier], _Results()
        self._log(verifier, mode, results)
        stored = False
        with suppress(RedisError, OSError):
            await self._store(verifier, arguments(mode, results.flaw, results.foreign, results.verified))
            stored = True
        if not stored:
            self._restore(verifier, results)
        return stored

    def _log(self, verifier: str, mode: str, results: _Results) -> None:
        for by in results.verified:
            if (verifier, by) not in self._known:
                self._known.add((verifier, by))
                log.info("verified for the first time", guard=verifier, mode=mode, by=by)
        if results.flaws:
            # the key is not `ids`: these deliveries may have been refused and not kept
            log.warning(
                "verification failed", guard=verifier, mode=mode, flaws=dict(results.flaws), doubted=results.ids
            )

    async def _store(self, verifier: str, arguments: list[str | int]) -> None:
        key = keyspace.verifier(verifier)
        try:
            await self._redis.evalsha(VERIFICATION.sha, 1, key, *arguments)
        except NoScriptError:
            await self._redis.eval(VERIFICATION.text, 1, key, *arguments)

    def _restore(self, verifier: str, unstored: _Results) -> None:
        """Add unstored results to the current ones, without what is logged already."""
        current = self._results[verifier]
        current.foreign += unstored.foreign
        if current.flaw is None:
            current.verified.update(unstored.verified)
            current.flaw = unstored.flaw
