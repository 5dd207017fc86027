"""Journal fetch: offers rows of the journal that the tables lack to the ledger, as a pass reads them.

So they take no memory, and what a pass that is interrupted has found is not found again.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from operations.backfill import PAUSE_S, ROWS_PER_BATCH, JournalOffer, new_batch
from operations.journal_comparison import lacking
from operations.journal_presence import Key, key_of
from runtime.logs import logger
from seven.journal import JOURNALED, JournalRow
from store.projection_options import ProjectionOptions
from store.row_writer import Store

log = logger("seven.journal")

LONGEST_WAIT_S = 300.0
"""How long fetching waits for room; a later pass goes on, by the ids of what is on record."""


class JournalFetch:
    """The fetching of one pass. Raises redis.RedisError, SQLAlchemyError, or what `check` raises."""

    def __init__(
        self,
        store: Store,
        offer: JournalOffer,
        options: ProjectionOptions,
        now: datetime,
        *,
        check: Callable[[], object],
        pause: Callable[[float], object],
    ) -> None:
        self._store, self._offer, self._options, self._now = store, offer, options, now
        self._check, self._pause = check, pause
        self._added: set[int] = set()
        self._has_ended = False
        self.fetched = 0
        """How many deliveries were offered."""

    def has(self, key: Key) -> bool:
        """Whether a row with this key was added in this pass; its delivery may not have been consumed yet."""
        return hash(key) in self._added

    def add(self, rows: Sequence[JournalRow]) -> None:
        """Offer what the tables lack of these rows: on return it is in the ledger, or there was no room for long."""
        if not rows or self._has_ended:
            return
        with self._store.engine.connect().execution_options(reads=True) as connection:
            knowing = self._options.with_forgotten(self._store.register.read(connection))
            lacked = lacking(connection, rows, self._now, knowing)
        self._added.update(hash(key_of(row)) for row in rows)
        for event_type in JOURNALED:
            lines = [each.envelope.line() for each in lacked if each.row.event_type == event_type]
            for start in range(0, len(lines), ROWS_PER_BATCH):
                self._offer_lines(event_type, lines[start : start + ROWS_PER_BATCH])

    def _offer_lines(self, event_type: str, lines: list[bytes]) -> None:
        """Offer a batch when there is room for it."""
        until = time.monotonic() + LONGEST_WAIT_S
        while not self._has_ended and not self._offer.has_room():
            if time.monotonic() > until:
                self._has_ended = True
                log.warning("fetching ended early: Redis is half full, or too much is pending", fetched=self.fetched)
            else:
                self._pause(PAUSE_S)
                self._check()
        if not self._has_ended:
            self._check()
            self._offer.offer(new_batch(event_type, lines))
            self.fetched += len(lines)


def due_rows(rows: Iterable[JournalRow], due: datetime) -> list[JournalRow]:
    """Those that happened until then."""
    return [row for row in rows if row.last_event_at is not None and row.last_event_at <= due]
