"""Auditing: every ordinal that the ledger gave out is a row, or in the ledger, or known to be gone; else it is lost.

A delivery moves one way, from the ledger into rows. So the ledger is read first and the rows after it, in one snapshot:
an ordinal given out before the first look and found by neither is lost, whatever receivers and workers do meanwhile.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from types import TracebackType
from typing import Literal, Self

from sqlalchemy import Connection, Engine, update

from ledger.client import Figures, Ledger
from ledger.scan import held_ids, survey
from operations.audit_balance import Balance, Series
from seven.events import QUEUES
from seven.ranges import runs
from seven.records import LedgerMark, fold
from store import ordinals
from store.ordinals import tally
from store.row_writer import Store, join
from store.schema import ledger_marks

Fate = Literal["row", "waiting", "removed"]

IDS_AT_ONCE = 500
CACHE_KIB = 128 * 1024
"""Two million ids; SQLite writes what is beyond to a file in its temporary directory, and removes that at the end."""


class AnsweredIds:
    """Ids, for the length of a block. Raises sqlite3.Error where the temporary directory has no room."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._database.execute("PRAGMA journal_mode = OFF")  # what fails is not gone on with
        self._database.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, fate TEXT) WITHOUT ROWID")
        self._write("INSERT OR IGNORE INTO ids (id) VALUES (?)", ((one,) for one in ids))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._database.close()

    def open(self) -> Iterator[list[str]]:
        """Those of which it is not known yet, some at a time."""
        last = ""
        query = "SELECT id FROM ids WHERE fate IS NULL AND id > ? ORDER BY id LIMIT ?"
        while page := [one for (one,) in self._database.execute(query, (last, IDS_AT_ONCE))]:
            yield page
            last = page[-1]

    def note(self, ids: Iterable[str], fate: Fate) -> None:
        """What became of these, as far as they are among ours and it is not known yet."""
        self._write("UPDATE ids SET fate = ? WHERE id = ? AND fate IS NULL", ((fate, one) for one in ids))

    def counts(self) -> Counter[Fate | None]:
        """How many there are of each fate, and of None, of which it is not known."""
        return Counter(dict(self._database.execute("SELECT fate, count(*) FROM ids GROUP BY fate").fetchall()))

    def _write(self, statement: str, rows: Iterable[tuple[str, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class Against:
    """What became of the ids that 2xx answers told."""

    told: int
    rows: int
    waiting: int
    removed: int
    """Without a row, and old enough for retention to have removed it: nobody can tell any more."""
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found."""

    at: datetime
    quiet: bool
    """Whether nothing moved meanwhile, so that every figure is of one moment; losses are exact either way."""
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
    """The gateway's: by kind, links with clicks or views that were never told to us, and how many."""
    against: Against | None = None

    @property
    def lost(self) -> bool:
        """Whether something is lost, or may be."""
        return bool(
            not all(one.sound for one in (*self.series, *self.earlier))
            or self.empty
            or self.stray
            or (self.against and self.against.missing)
        )


class Auditor:
    """Audits a ledger and a store. Raises redis.RedisError or sqlalchemy's SQLAlchemyError where one is away."""

    def __init__(self, ledger: Ledger, engine: Engine) -> None:
        self._ledger, self._engine = ledger, engine

    def audit(self, ids: Iterable[str] | None = None) -> Audit:
        """Look through all of both; with `ids`, which are read before all else, also for each of these deliveries."""
        if ids is None:
            return self._audit()
        with AnsweredIds(ids) as answered:
            return replace(self._audit(), against=self._against(answered))

    def _audit(self) -> Audit:
        held = survey(self._ledger, QUEUES)
        figures = held.figures
        life = figures.life
        given = {queue: one.last_ordinal for queue, one in figures.queues.items()} if life else {}
        with ordinals.snapshot(self._engine) as connection:
            rows = ordinals.rows(connection, life, given)
            after = self._ledger.figures(QUEUES)
            series = Balance(connection, held, rows, given, after).series()
            repeats, unnumbered = ordinals.repeats(connection), ordinals.unnumbered(connection)
            gaps = ordinals.link_gaps(connection)
        return Audit(
            at=figures.now,
            quiet=_counts(figures) == _counts(after) and not any(one.later for one in rows.values()),
            figures=figures,
            series=tuple(one for one in series if one.life == life),
            earlier=tuple(one for one in series if one.life != life),
            unreadable=held.unreadable,
            empty=held.empty,
            stray=held.stray,
            unnumbered=unnumbered,
            repeats=repeats,
            link_gaps=gaps,
        )

    def mark(self) -> None:
        """Keep how far the ledger has numbered: what can be known of it should it lose everything. Raises StoreAway."""
        figures = self._ledger.figures(QUEUES)
        Store(self._engine).write(
            LedgerMark(figures.life, queue, one.last_ordinal, figures.born_at, figures.now)
            for queue, one in figures.queues.items()
            if figures.life and one.last_ordinal
        )

    def acknowledge(self, audit: Audit) -> None:
        """Count what is missing as lost, what is doubled as known, and earlier lives as ended. Raises StoreAway.

        So an old loss does not hide a new one.
        """

        def attempt(connection: Connection) -> None:
            for series in (*audit.series, *audit.earlier):
                place = (series.life, series.queue)
                tally(connection, place, series.missing_runs, "lost")
                tally(connection, place, runs((ordinal, ordinal) for ordinal in series.doubled_ordinals), "doubled")
            marks = [LedgerMark(series.life, series.queue, series.given_out) for series in audit.earlier]
            join(connection, fold(marks))
            lives = {series.life for series in audit.earlier}
            closing = update(ledger_marks).where(ledger_marks.c.ledger.in_(lives), ledger_marks.c.closed_at.is_(None))
            connection.execute(closing.values(closed_at=datetime.now(UTC)))

        Store(self._engine).transact(attempt)

    def _against(self, answered: AnsweredIds) -> Against:
        """Rows, ledger, and rows again: what was settled between the first two looks is a row by the third."""
        self._note_rows(answered)
        if next(answered.open(), None):
            answered.note(held_ids(self._ledger, QUEUES), "waiting")
            self._note_rows(answered)
        with ordinals.snapshot(self._engine) as connection:
            until = ordinals.removed_until(connection)
        if until is not None:
            for page in answered.open():
                answered.note([one for one in page if _received_by(one, until)], "removed")
        counts = answered.counts()
        missing = tuple(chain.from_iterable(answered.open()))
        return Against(counts.total(), counts["row"], counts["waiting"], counts["removed"], missing)

    def _note_rows(self, answered: AnsweredIds) -> None:
        with ordinals.snapshot(self._engine) as connection:
            for page in answered.open():
                answered.note(ordinals.present(connection, page), "row")


def _counts(figures: Figures) -> object:
    return figures.life, {queue: (one.last_ordinal, one.pending) for queue, one in figures.queues.items()}


def _received_by(delivery_id: str, until: datetime) -> bool:
    """Whether an id was made before then: a uuid7 begins with its milliseconds."""
    try:
        return int(delivery_id.replace("-", "")[:12], 16) / 1000 <= until.timestamp()
    except ValueError:
        return False
