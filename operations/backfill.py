"""Backfill: offers what the journal knows and the tables lack to the ledger, as deliveries like any other.

They wait for the gateway's own: a batch is written only while few are pending and Redis is less than half full.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from uuid_utils import uuid7

from gateway.journal_client import JournalClient, NotListed
from ledger.batch import NewBatch
from ledger.client import Ledger
from ledger.health import effective_limit
from ledger.stats import ledger_stats
from operations.journal_comparison import Lacking, lacking
from seven.events import QUEUES
from seven.journal import JournalRow
from store.forgotten import ForgottenRegister
from store.projection_options import ProjectionOptions

ROWS_PER_BATCH = 200
HALF_FULL = 0.5
"""The share of Redis' memory beyond which a backfill waits."""
PAUSE_S = 1.0
"""Between two looks at whether there is room."""

Announce = Callable[[str, Sequence[str]], None]


@dataclass(slots=True)
class ListSummary:
    """What was read of one list of the journal, and what the tables lack of it."""

    event_type: str
    listed: bool = True
    """False where the gateway has no such list any more."""
    rows: int = 0
    """Rows in the range."""
    unread: Counter[str] = field(default_factory=Counter)
    """Rows that cannot be read, by reason; some may be of the days beside the range."""
    new: int = 0
    """Messages and calls of which nothing is known here."""
    changed: Counter[str] = field(default_factory=Counter)
    """By status, those of which this latest status is not known here."""
    oldest_at: datetime | None = None
    """The time of the oldest row, also beside the range."""

    @property
    def lacking(self) -> int:
        """How many rows the tables lack."""
        return self.new + self.changed.total()


class BackfillPlan:
    """The deliveries that a backfill would offer, in a file without a name while the journal is being read."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self.lists: list[ListSummary] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    @property
    def lacking(self) -> int:
        """How many deliveries it has."""
        return sum(each.lacking for each in self.lists)

    def add(self, lacked: Sequence[Lacking]) -> None:
        """Add what the tables lack of the list that is being read."""
        summary = self.lists[-1]
        for each in lacked:
            if each.is_new:
                summary.new += 1
            else:
                summary.changed[each.row.status or ""] += 1
            self._file.write(each.row.event_type.encode() + b"\t" + each.envelope.line() + b"\n")

    def batches(self) -> Iterator[NewBatch]:
        """The deliveries in batches of one queue each."""
        self._file.seek(0)
        queue, lines = "", list[bytes]()
        for stored in self._file:
            name, _, line = stored.rstrip(b"\n").partition(b"\t")
            if name.decode() != queue or len(lines) >= ROWS_PER_BATCH:
                if lines:
                    yield new_batch(queue, lines)
                queue, lines = name.decode(), []
            lines.append(line)
        if lines:
            yield new_batch(queue, lines)


def new_batch(queue: str, lines: list[bytes]) -> NewBatch:
    """A batch of deliveries of one queue."""
    return NewBatch(str(uuid7()), queue, lines, frozenset())


@dataclass(frozen=True, slots=True)
class Range:
    """The times of the rows to compare: from the first to before the last."""

    since: datetime
    until: datetime

    def has(self, row: JournalRow) -> bool:
        """Whether a row began in the range, and the latest that it tells happened before its end."""
        latest = row.last_event_at
        return row.at is None or latest is None or (self.since <= row.at and latest < self.until)


class JournalReader:
    """Reads lists of the journal, and compares them with the tables."""

    def __init__(
        self, client: JournalClient, engine: Engine, options: ProjectionOptions, register: ForgottenRegister
    ) -> None:
        self._client, self._engine, self._options, self._register = client, engine, options, register

    def read(self, plan: BackfillPlan, event_type: str, within: Range, progress: Callable[[int], None]) -> None:
        """Add one list to the plan; `progress` gets the number of rows of each page. Raises GatewayFailure."""
        summary = ListSummary(event_type)
        plan.lists.append(summary)
        try:
            for page in self._client.pages(event_type, within.since, within.until):
                summary.unread.update(page.invalid)
                summary.oldest_at = page.oldest_at(summary.oldest_at)
                rows = [row for row in page.rows if within.has(row)]
                summary.rows += len(rows)
                with self._engine.connect().execution_options(reads=True) as connection:
                    options = self._options.with_forgotten(self._register.read(connection))
                    plan.add(lacking(connection, rows, within.until, options, summary.unread))
                progress(len(page.rows))
        except NotListed:
            summary.listed = False


class JournalOffer:
    """Offers the deliveries of a plan to the ledger."""

    def __init__(self, ledger: Ledger, announce: Announce, most_pending: int, ledger_limit: int) -> None:
        self._ledger, self._announce = ledger, announce
        self._most_pending, self._limit = most_pending, ledger_limit

    def has_room(self) -> bool:
        """Whether fewer batches are pending than the sweep announces at once, and Redis is less than half full."""
        stats = ledger_stats(self._ledger, QUEUES)
        limit = effective_limit(stats.maxmemory, self._limit)
        pending = sum(queue.pending for queue in stats.figures.queues.values())
        return pending < self._most_pending and (stats.used is None or stats.used < HALF_FULL * limit)

    def offer(self, batch: NewBatch) -> None:
        """Write a batch, and announce it. Raises redis.RedisError; then it may be there all the same."""
        self._ledger.accept(batch)
        with suppress(Exception):  # kombu raises AttributeError, too; the sweep announces the batch
            self._announce(batch.queue, [batch.id])
