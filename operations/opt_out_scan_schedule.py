"""Scheduled opt-out scan: all texts once, from where the last pass ended; then those that changed since.

What changed is read again because a worker of an earlier version, beside newer ones or after a roll-back, stores texts
without their opt-outs. Redis keeps the position; lost, or with other words, the scan begins again, which adds nothing
twice.
"""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ledger import keyspace
from ledger.client import Ledger
from ledger.lease import LeaseLost, leased
from operations.opt_out_scan import ScanResult, scan_changes, scan_page
from runtime.logs import logger
from store.circuit_breaker import CircuitBreaker
from store.database_info import clock
from store.projection_options import ProjectionOptions
from store.row_writer import NotMigrated, Refused, Store, StoreAway

log = logger("seven.workers")

SCAN_S = 60.0
"""Seconds between two passes."""
LONGEST_S = 20.0
"""How long one pass of all texts may take: it holds the thread of the long tasks."""
_OVERLAP = timedelta(minutes=2)
"""A transaction takes a minute at most, and `changed_at` is of its beginning."""


class OptOutScan:
    """The scan of one installation."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        breaker: CircuitBreaker,
        options: ProjectionOptions,
        *,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._ledger, self._store, self._breaker, self._options = ledger, store, breaker, options
        self._longest_s = longest_s

    def run(self, again: Callable[[], object] = lambda: None) -> ScanResult:
        """Make one pass; `again` requests another at once where it ran out of time. Raises redis.RedisError."""
        if self._breaker.hold:
            return ScanResult()
        with leased(self._ledger.redis, keyspace.OPT_OUTS_LOCK) as lease:
            if lease is None:
                return ScanResult()
            try:
                result, is_done = self._pass(lease.check)
            except (StoreAway, Refused, LeaseLost) as error:
                if not isinstance(error, NotMigrated):  # until then nobody opts out here
                    log.warning("opt-outs not scanned", cause=str(error))
                return ScanResult()
        if result.words:
            log.info("opt-outs scanned", texts=result.texts, words=result.words)
        if not is_done:
            again()
        return result

    def _pass(self, check: Callable[[], object]) -> tuple[ScanResult, bool]:
        now = self._store.transact(clock)
        position = self._position()
        if position is None:
            position = {"words": self._words, "after": "", "since": now.isoformat()}
        result, until = ScanResult(), time.monotonic() + self._longest_s
        while position["after"] is not None:
            check()
            page, position["after"] = scan_page(self._store, self._options, position["after"])
            result += page
            self._keep(position)
            if time.monotonic() > until and position["after"] is not None:
                return result, False
        since = datetime.fromisoformat(position["since"]) - _OVERLAP
        result += scan_changes(self._store, self._options, since, now, check)
        self._keep(position | {"since": now.isoformat()})
        return result, True

    @property
    def _words(self) -> str:
        words = self._options.opt_out_words
        return f"{words.digest if words else ''} {self._options.country_code}"

    def _position(self) -> dict[str, Any] | None:
        """Where the last pass ended; None for no pass, or one by other words."""
        try:
            position: dict[str, Any] = json.loads(self._ledger.redis.get(keyspace.OPT_OUTS) or b"{}")
            datetime.fromisoformat(position["since"])
        except (ValueError, KeyError, TypeError):
            return None
        return position if position.get("words") == self._words and "after" in position else None

    def _keep(self, position: dict[str, Any]) -> None:
        self._ledger.redis.set(keyspace.OPT_OUTS, json.dumps(position))
