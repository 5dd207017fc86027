"""Forgetting: whatever is kept of one person is found and blanked, and looked for again until nothing is found.

Joins fill what is blank, so what is pending in the ledger comes first: a worker that consumed it afterwards would
write it again. It is not touched there, for a batch and its ordinals belong to whoever consumes it, but waited for.
"""

import base64
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from ledger.batch import Batch, legible
from ledger.client import Ledger
from ledger.scan import held_batches
from seven.aggregates import Aggregate, aggregates
from seven.data_subject import DataSubject
from seven.envelope import RAW
from seven.events import QUEUES
from store.personal_data import (
    FAILURES,
    LETTERS,
    PAYLOADS,
    RECORDS,
    SAID,
    Blanking,
    Row,
    carry_out,
    find_blanks,
    portions,
    rows,
    size,
)
from store.projection import project_batch
from store.row_writer import Store
from store.schema import links, messages

LOOKS = 5
"""Before something that comes again and again is left to whoever runs it once more."""
WAIT_S = 60.0
GLANCE_S = 0.5
LEAST_PAUSE_S = 0.1
"""Between two transactions: workers come first."""

Seen = Callable[[int], None]
"""Told how many more rows have been looked at; may raise to end it."""


@dataclass(slots=True)
class Found:
    """What one look has found."""

    records: list[Blanking] = field(default_factory=list)
    deliveries: list[Blanking] = field(default_factory=list)
    """With their dead letters."""
    batches: list[str] = field(default_factory=list)
    """Pending in the ledger with deliveries of theirs."""
    waiting: int = 0
    """How many deliveries of theirs those hold, as far as they can be read."""

    def __bool__(self) -> bool:
        return bool(self.records or self.deliveries or self.batches)

    @property
    def counts(self) -> "Forgotten":
        """What blanking it will do."""
        told = Forgotten()
        for one in (*self.deliveries, *self.records):
            (told.blanked if one.columns else told.removed)[one.personal.table.name] += 1
        return told


@dataclass(slots=True)
class Forgotten:
    """What was done: rows by table."""

    blanked: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    left: Found | None = None
    """What the last look has found still; None where it has found nothing."""


@dataclass(slots=True)
class _Subjects:
    """What records of theirs are called, by family, and which of these names go."""

    known: set[tuple[str, str]] = field(default_factory=set)
    """Each with an event type whose deliveries speak of it."""
    gone: set[tuple[str, str]] = field(default_factory=set)
    """Those of rows that go: made of what names them."""
    message_ids: set[str] = field(default_factory=set)
    """Whose links are theirs, also those that have no row yet."""

    def are_spoken_of(self, event_type: str | None, subject: str | None) -> bool:
        """Whether a delivery with this subject speaks of one of them."""
        if event_type is None or subject is None:
            return False
        of_links = event_type in _family(links.name).event_types
        return (event_type, subject) in self.known or (of_links and subject.partition(" ")[0] in self.message_ids)


class Forgetting:
    """Finds and blanks one person. Raises StoreAway, sqlalchemy's SQLAlchemyError or redis.RedisError."""

    def __init__(self, engine: Engine, ledger: Ledger, sought: DataSubject, seen: Seen = lambda _: None) -> None:
        self._engine, self._ledger, self._sought = engine, ledger, sought
        self.seen = seen

    def size(self) -> int:
        """Rows that a look looks at."""
        return size(self._engine)

    def look(self) -> Found:
        """Find all that is kept of them. Nothing is written.

        The ledger is looked at before the deliveries: what has left it by then is committed, and seen.
        """
        found, subjects = Found(), _Subjects()
        found.records = list(self._records(subjects))
        for batch in held_batches(self._ledger, QUEUES):
            if number := self._theirs(batch, subjects):
                found.batches.append(batch.id)
                found.waiting += number
        found.deliveries = list(self._deliveries(subjects))
        return found

    def forget(
        self,
        done: Forgotten,
        wait_s: float = WAIT_S,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Blank, wait for what is pending, and look again, until a look finds nothing; as often as `LOOKS`.

        What is done counts in `done`. May be interrupted at any moment: the same again does the rest, for what ties
        one row to another goes last.
        """
        until = clock() + wait_s
        while True:
            done.left = self.look() or None
            done.looks += 1
            if done.left is None or done.looks >= LOOKS:
                return
            for some in portions([*done.left.deliveries, *done.left.records]):
                counted = self._blank(some)
                table = some[0].personal.table.name
                done.blanked[table] += counted["blanked"]
                done.removed[table] += counted["removed"]
                pause(LEAST_PAUSE_S)
            self.seen(0)
            batches = done.left.batches
            while batches := self._ledger.still_there(batches):
                if clock() >= until:
                    done.left = Found(batches=batches, waiting=done.left.waiting)
                    return
                self.seen(0)
                pause(GLANCE_S)

    def _records(self, subjects: _Subjects) -> Iterator[Blanking]:
        """Records of theirs, messages last: links know their message only."""
        last: list[Blanking] = []
        for personal in RECORDS:
            family = _family(personal.table.name)
            for page in rows(self._engine, personal):
                self.seen(len(page))
                for row in page:
                    theirs = personal.table is links and row["sms_id"] in subjects.message_ids
                    about, blank = find_blanks(personal, row, self._sought, theirs)
                    subject = " ".join(row[name] for name in family.about)
                    its_names = {(event_type, subject) for event_type in family.event_types}
                    if about:
                        subjects.known |= its_names
                    if about and personal.table is messages:
                        subjects.message_ids.add(row["msg_id"])
                    if blank and not blank.columns:
                        subjects.gone |= its_names
                    if blank and personal.table is messages:
                        last.append(blank)
                    elif blank:
                        yield blank
        yield from last

    def _theirs(self, batch: object, subjects: _Subjects) -> int:
        """How many deliveries of a pending batch are theirs; of one that cannot be read, 1 for any."""
        if not isinstance(batch, Batch):
            return int(self._sought.is_in(legible(getattr(batch, "stored", b"")).decode("utf-8", "replace")))
        named = {n for n, line in enumerate(batch.lines) if self._sought.is_in_payload(line.decode("utf-8", "replace"))}
        if subjects.known:
            told = (one.delivery for one in project_batch(batch))
            named |= {n for n, one in enumerate(told) if subjects.are_spoken_of(one.event_type, one.subject)}
        return len(named)

    def _deliveries(self, subjects: _Subjects) -> Iterator[Blanking]:
        """Deliveries that name them or speak of their records, and what is left of dead letters."""
        ids: set[str] = set()
        for page in rows(self._engine, PAYLOADS, ("subject", *SAID)):
            self.seen(len(page))
            for row in page:
                its_name = (row["event_type"], row["subject"])
                columns = [name for name in SAID if self._said(name, row)]
                if subjects.are_spoken_of(*its_name) or self._sought.is_in_payload(_legible(row["payload"])):
                    ids.add(row["id"])
                    columns += [*PAYLOADS.columns, *(["subject"] if its_name in subjects.gone else [])]
                if told := tuple(name for name in columns if row[name] is not None):
                    yield Blanking(PAYLOADS, (row["id"],), told)
        for personal in (LETTERS, FAILURES):
            for page in rows(self._engine, personal):
                self.seen(len(page))
                for row in page:
                    if told := tuple(name for name in personal.columns if self._of_letter(name, row, ids)):
                        yield Blanking(personal, tuple(row[one.name] for one in personal.table.primary_key), told)

    def _of_letter(self, name: str, row: Row, ids: Collection[str]) -> bool:
        if name != "envelope":
            return self._said(name, row)
        return row[name] is not None and (row["id"] in ids or self._sought.is_in_payload(_legible(row[name])))

    def _said(self, name: str, row: Row) -> bool:
        return row[name] is not None and self._sought.is_told_by((name, row[name]))

    def _blank(self, some: list[Blanking]) -> dict[str, int]:
        done: list[dict[str, int]] = []

        def attempt(connection: Connection) -> None:
            done.append(carry_out(connection, some))

        Store(self._engine).transact(attempt)
        return done[-1]


def _family(table: str) -> Aggregate:
    """The family of a record, by its table."""
    return next(one for one in aggregates() if one.records[0].table == table)


def _legible(kept: str | None) -> str | None:
    """A payload or an envelope as it is kept; where it is what lay in the ledger and was no batch, also unpacked."""
    if kept is None or not kept.startswith(RAW):
        return kept
    try:
        return RAW + base64.b64encode(legible(base64.b64decode(kept.removeprefix(RAW)))).decode("ascii")
    except ValueError:
        return kept
