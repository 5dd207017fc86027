"""Audit: every ordinal that the ledger gave out is a row, in the ledger, or known to be gone; otherwise it is lost.

A delivery moves one way, from the ledger into rows. So the ledger is read first and the rows after it, in one snapshot:
an ordinal given out before the first read and present in neither is lost, whatever receivers and workers do meanwhile.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from types import TracebackType
from typing import Literal, Self

from sqlalchemy import Connection, Engine, update

from ledger.client import Figures, Ledger
from ledger.scan import pending_delivery_ids, scan_ledger
from operations.audit_balance import Balance, Series
from seven.archive_records import LedgerMark
from seven.ranges import merge_ranges
from seven.record import fold
from store import ordinals
from store.link_gaps import link_gaps
from store.ordinals import tally
from store.row_writer import Store, merge_rows
from store.schema import ledger_marks

AnswerFate = Literal["row", "waiting", "removed"]

IDS_AT_ONCE = 500
CACHE_KIB = 128 * 1024
"""Enough for two million ids; SQLite spills more to a file in its temporary directory, and removes it at the end."""


class AnsweredIds:
    """Ids of 2xx answers with their fates, in a temporary SQLite database for the duration of a `with` block.

    Raises sqlite3.Error where the temporary directory has no room.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._database.execute("PRAGMA journal_mode = OFF")  # a failed audit is never resumed
        self._database.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, fate TEXT) WITHOUT ROWID")
        self._write("INSERT OR IGNORE INTO ids (id) VALUES (?)", ((delivery_id,) for delivery_id in ids))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._database.close()

    def undecided(self) -> Iterator[list[str]]:
        """The ids without a fate yet, page by page."""
        last = ""
        query = "SELECT id FROM ids WHERE fate IS NULL AND id > ? ORDER BY id LIMIT ?"
        while page := [delivery_id for (delivery_id,) in self._database.execute(query, (last, IDS_AT_ONCE))]:
            yield page
            last = page[-1]

    def decide(self, ids: Iterable[str], fate: AnswerFate) -> None:
        """Set the fate of these ids; ids that are not in the database, or have a fate already, are ignored."""
        statement = "UPDATE ids SET fate = ? WHERE id = ? AND fate IS NULL"
        self._write(statement, ((fate, delivery_id) for delivery_id in ids))

    def counts(self) -> Counter[AnswerFate | None]:
        """The number of ids of each fate; None counts the undecided ones."""
        return Counter(dict(self._database.execute("SELECT fate, count(*) FROM ids GROUP BY fate").fetchall()))

    def _write(self, statement: str, rows: Iterable[tuple[str, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class AnswerFates:
    """The fates of the ids of 2xx answers."""

    ids: int
    rows: int
    waiting: int
    removed: int
    """Without a row, and old enough that retention may have removed it: it cannot be determined any more."""
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit. Its fields are keys of `audit --json`."""

    at: datetime
    quiet: bool
    """Whether nothing moved during the audit, so that all figures are of one moment; losses are exact either way."""
    figures: Figures
    series: tuple[Series, ...]
    """Of the ledger's present life."""
    earlier: tuple[Series, ...]
    """Of lives before it."""
    unreadable: int
    empty: int
    stray: int
    unnumbered: int
    repeats: Mapping[str, int]
    link_gaps: Mapping[str, tuple[int, int]]
    """By kind: how many links have clicks or views that the gateway never delivered, and how many of those."""
    against: AnswerFates | None = None

    @property
    def lost(self) -> bool:
        """Whether deliveries are lost, or may be."""
        return bool(
            not all(series.sound for series in (*self.series, *self.earlier))
            or self.empty
            or self.stray
            or (self.against and self.against.missing)
        )


class Auditor:
    """Audits a ledger and a store. Raises redis.RedisError or SQLAlchemyError where one of them is unavailable."""

    def __init__(self, ledger: Ledger, engine: Engine) -> None:
        self._ledger, self._engine = ledger, engine

    def audit(self, ids: Iterable[str] | None = None, check: Callable[[], object] = lambda: None) -> Audit:
        """Audit ledger and store; with `ids`, which are consumed first, also look up each of these deliveries.

        It calls `check` before each step; what that raises ends the audit.
        """
        if ids is None:
            return self._audit(check)
        with AnsweredIds(ids) as answered:
            return replace(self._audit(check), against=self._look_up(answered))

    def _audit(self, check: Callable[[], object]) -> Audit:
        audit, life_after = self._audit_once(check)
        if life_after != audit.figures.life:  # begun or lost meanwhile: its rows seem an earlier life's
            audit, _ = self._audit_once(check)
        return audit

    def _audit_once(self, check: Callable[[], object]) -> tuple[Audit, str | None]:
        scan = scan_ledger(self._ledger, check)
        figures = scan.figures
        life = figures.life
        given = {queue: queue_figures.last_ordinal for queue, queue_figures in figures.queues.items()} if life else {}
        with ordinals.snapshot(self._engine) as connection:
            rows = ordinals.rows(connection, life, given)
            check()
            after = self._ledger.figures(self._ledger.queues())
            series = Balance(connection, scan, rows, given, after).series()
            check()
            repeats = ordinals.repeats(connection)
            check()
            unnumbered, gaps = ordinals.unnumbered(connection), link_gaps(connection)
        audit = Audit(
            at=figures.now,
            quiet=_counts(figures) == _counts(after) and not any(queue_rows.later for queue_rows in rows.values()),
            figures=figures,
            series=tuple(balance for balance in series if balance.life == life),
            earlier=tuple(balance for balance in series if balance.life != life),
            unreadable=scan.unreadable,
            empty=scan.empty,
            stray=scan.stray,
            unnumbered=unnumbered,
            repeats=repeats,
            link_gaps=gaps,
        )
        return audit, after.life

    def mark(self) -> None:
        """Store the last ordinal of each queue, in case the ledger loses everything. Raises StoreAway."""
        figures = self._ledger.figures(self._ledger.queues())
        Store(self._engine).write(
            LedgerMark(figures.life, queue, queue_figures.last_ordinal, figures.born_at, figures.now)
            for queue, queue_figures in figures.queues.items()
            if figures.life and queue_figures.last_ordinal
        )

    def acknowledge(self, audit: Audit) -> None:
        """Record missing ordinals as lost, doubled ones as known, and earlier lives as ended. Raises StoreAway.

        Acknowledged losses do not hide new ones.
        """

        def attempt(connection: Connection) -> None:
            for series in (*audit.series, *audit.earlier):
                key = (series.life, series.queue)
                tally(connection, key, series.missing_runs, "lost")
                doubled = merge_ranges((ordinal, ordinal) for ordinal in series.doubled_ordinals)
                tally(connection, key, doubled, "doubled")
            marks = [LedgerMark(series.life, series.queue, series.given_out) for series in audit.earlier]
            merge_rows(connection, fold(marks))
            lives = {series.life for series in audit.earlier}
            closing = update(ledger_marks).where(ledger_marks.c.ledger.in_(lives), ledger_marks.c.closed_at.is_(None))
            connection.execute(closing.values(closed_at=datetime.now(UTC)))

        Store(self._engine).transact(attempt)

    def _look_up(self, answered: AnsweredIds) -> AnswerFates:
        """Rows, ledger, and rows again: a delivery settled between the first two lookups is a row by the third."""
        self._decide_rows(answered)
        if next(answered.undecided(), None):
            answered.decide(pending_delivery_ids(self._ledger), "waiting")
            self._decide_rows(answered)
        with ordinals.snapshot(self._engine) as connection:
            until = ordinals.removed_until(connection)
        if until is not None:
            for page in answered.undecided():
                answered.decide([delivery_id for delivery_id in page if _received_by(delivery_id, until)], "removed")
        counts = answered.counts()
        missing = tuple(chain.from_iterable(answered.undecided()))
        return AnswerFates(counts.total(), counts["row"], counts["waiting"], counts["removed"], missing)

    def _decide_rows(self, answered: AnsweredIds) -> None:
        with ordinals.snapshot(self._engine) as connection:
            for page in answered.undecided():
                answered.decide(ordinals.present(connection, page), "row")


def _counts(figures: Figures) -> object:
    return figures.life, {name: (queue.last_ordinal, queue.pending) for name, queue in figures.queues.items()}


def _received_by(delivery_id: str, until: datetime) -> bool:
    """Whether the delivery was received by then: its id is a uuid7, which begins with the time in milliseconds."""
    try:
        return int(delivery_id.replace("-", "")[:12], 16) / 1000 <= until.timestamp()
    except ValueError:
        return False
