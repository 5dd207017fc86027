"""Erasure: find and blank all stored data about one person, and search again until nothing is found.

Joins fill blank columns, so a batch that is pending in the ledger would write the data again once a worker consumes
it. An erasure waits for such batches and does not change them: a batch and its ordinals belong to its consumer.
A worker that took such a batch and stalled cannot write it later: each pass puts up a fence (`store/fence.py`).
"""

import base64
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from sqlalchemy import Engine

from ledger.batch import Batch, searchable
from ledger.client import Ledger
from ledger.scan import pending_batches
from operations.erasure_matches import Erasure, Matches, Subjects, aggregate_of
from seven.data_subject import DataSubject
from seven.envelope import RAW
from store.fence import begin_generation, is_left
from store.personal_data import (
    FAILURES,
    FILTERS,
    LABELS,
    LETTERS,
    PAYLOADS,
    RECORDS,
    Blanking,
    PersonalColumns,
    Row,
    blank_rows,
    find_blanks,
    own_numbers,
    portions,
    rows,
    size,
    values_of_others,
)
from store.projection import project_batch
from store.row_writer import Store, StoreAway
from store.schema import links, messages
from store.transactions import TRANSACTION_S

MAX_PASSES = 5
"""Data that arrives again and again is left to another run."""
WAIT_S = 60.0
POLL_INTERVAL_S = 0.5
FENCE_S = 2 * TRANSACTION_S
MIN_PAUSE_S = 0.1
"""Between two transactions: workers come first."""


class Eraser:
    """Finds and blanks the data about one person. Raises StoreAway, SQLAlchemyError or RedisError."""

    def __init__(self, engine: Engine, ledger: Ledger, person: DataSubject) -> None:
        self._engine, self._ledger, self._person = engine, ledger, person
        self._pseudonyms: defaultdict[str, str] = defaultdict(lambda: f"forgotten-{secrets.token_hex(16)}")
        self.on_progress: Callable[[int], None] = lambda _: None
        """Takes the number of rows searched since the last call; may raise to stop the search."""

    def size(self) -> int:
        """The number of rows that one search reads."""
        return size(self._engine)

    def find(self) -> Matches:
        """Find all stored data about the person. Writes nothing.

        The ledger is read before the deliveries: a batch that has left it by then is committed, so its rows are found.
        """
        matches, subjects = Matches(), Subjects()
        matches.records = list(self._find_records(subjects))
        for batch in pending_batches(self._ledger):
            if number := self._count_deliveries(batch, subjects):
                matches.batches.append(batch.id)
                matches.waiting += number
        matches.deliveries = list(self._find_deliveries(subjects))
        return matches

    def erase(
        self,
        erasure: Erasure,
        wait_s: float = WAIT_S,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Blank, wait for pending batches and search again until a search finds nothing, `MAX_PASSES` times at most.

        Counts in `erasure` what it does. An erasure may be interrupted at any moment, and another run does the rest:
        rows that link other rows to the person are blanked last.
        """
        until = clock() + wait_s
        while True:
            self._fence_off(pause, clock)
            erasure.left = self.find() or None
            erasure.passes += 1
            if erasure.left is None or erasure.passes >= MAX_PASSES:
                return
            for portion in portions([*erasure.left.deliveries, *erasure.left.records]):
                counts = self._blank(portion)
                table = portion[0].personal.table.name
                erasure.blanked[table] += counts["blanked"]
                erasure.removed[table] += counts["removed"]
                pause(MIN_PAUSE_S)
            self.on_progress(0)
            batches = erasure.left.batches
            while batches := self._ledger.existing(batches):
                if clock() >= until:
                    erasure.left = Matches(batches=batches, waiting=erasure.left.waiting)
                    return
                self.on_progress(0)
                pause(POLL_INTERVAL_S)

    def _fence_off(self, pause: Callable[[float], None], clock: Callable[[], float]) -> None:
        """Refuse the rows of batches that workers have taken by now, and wait for transactions that have begun.

        Those end within a minute. Raises StoreAway if any does not.
        """
        store = Store(self._engine)
        ended = store.transact(begin_generation)
        until = clock() + FENCE_S
        while not store.transact(lambda connection: is_left(connection, ended)):
            if clock() >= until:
                raise StoreAway("a transaction that began before does not end")
            self.on_progress(0)
            pause(POLL_INTERVAL_S)

    def _find_records(self, subjects: Subjects) -> Iterator[Blanking]:
        """The person's records, messages last: a link is found by its message only."""
        last: list[Blanking] = []
        for personal in RECORDS:
            aggregate = aggregate_of(personal.table.name)
            theirs: list[tuple[Blanking, Row]] = []
            for page in rows(self._engine, personal):
                self.on_progress(len(page))
                for row in page:
                    by_message = personal.table is links and row["sms_id"] in subjects.message_ids
                    about, blanking = find_blanks(personal, row, self._person, by_message)
                    subject = " ".join(row[name] for name in aggregate.subject_fields)
                    typed = {(event_type, subject) for event_type in aggregate.event_types}
                    if about:
                        subjects.known |= typed
                    if about and personal.table is messages:
                        subjects.message_ids.add(row["msg_id"])
                    if blanking and blanking.renamed:
                        subjects.renamed |= typed
                        blanking = replace(blanking, pseudonym=self._pseudonyms[row[blanking.renamed]])
                    if blanking and personal.table is messages:
                        last.append(blanking)
                    elif blanking and personal.shared:
                        theirs.append((blanking, row))
                    elif blanking:
                        yield blanking
            yield from self._without_shared(personal, theirs)
        yield from last

    def _without_shared(self, personal: PersonalColumns, theirs: list[tuple[Blanking, Row]]) -> Iterator[Blanking]:
        """The blankings without what links of other people's messages have, too, unless it names the person."""
        ids = {row["sms_id"] for _, row in theirs}
        shared = {
            name: values_of_others(
                self._engine, name, {row[name] for blanking, row in theirs if name in blanking.columns}, ids
            )
            for name in personal.shared
        }
        for blanking, row in theirs:
            stays = [name for name in shared if row[name] in shared[name] and not self._names_person(name, row)]
            kept = blanking.without(stays)
            if kept.columns or kept.renamed:
                yield kept

    def _count_deliveries(self, batch: object, subjects: Subjects) -> int:
        """The number of deliveries about the person in a pending batch; 1 for an unreadable batch with any."""
        if not isinstance(batch, Batch):
            return int(self._person.is_in(searchable(getattr(batch, "stored", b"")).decode("utf-8", "replace")))
        texts = (line.decode("utf-8", "replace") for line in batch.lines)
        matching = {n for n, text in enumerate(texts) if self._person.is_in_payload(text)}
        if subjects.known:
            deliveries = (projection.delivery for projection in project_batch(batch))
            matching |= {n for n, row in enumerate(deliveries) if subjects.include(row.event_type, row.subject)}
        return len(matching)

    def _find_deliveries(self, subjects: Subjects) -> Iterator[Blanking]:
        """Deliveries that name the person or are about their records, and what is left of dead letters."""
        ids: set[str] = set()
        for page in rows(self._engine, PAYLOADS, ("subject", *LABELS)):
            self.on_progress(len(page))
            for row in page:
                typed = (row["event_type"], row["subject"])
                names = [name for name in LABELS if self._names_person(name, row)]
                if subjects.include(*typed) or self._person.is_in_payload(_searchable_text(row["payload"])):
                    ids.add(row["id"])
                    names += [*PAYLOADS.columns, *(["subject"] if typed in subjects.renamed else [])]
                if columns := tuple(name for name in names if row[name] is not None):
                    yield Blanking(PAYLOADS, (row["id"],), columns)
        for page in rows(self._engine, FILTERS) if self._person.own_number else ():
            for row in page:
                if own := own_numbers(FILTERS, row, self._person):
                    yield Blanking(FILTERS, (row["id"],), tuple(own))
        for personal in (LETTERS, FAILURES):
            for page in rows(self._engine, personal):
                self.on_progress(len(page))
                for row in page:
                    if columns := tuple(name for name in personal.columns if self._is_blanked(name, row, ids)):
                        key = tuple(row[column.name] for column in personal.table.primary_key)
                        yield Blanking(personal, key, columns)

    def _is_blanked(self, name: str, row: Row, ids: Collection[str]) -> bool:
        if name != "envelope":
            return self._names_person(name, row)
        text = row[name]
        return text is not None and (row["id"] in ids or self._person.is_in_payload(_searchable_text(text)))

    def _names_person(self, name: str, row: Row) -> bool:
        return row[name] is not None and self._person.matches((name, row[name]))

    def _blank(self, portion: list[Blanking]) -> dict[str, int]:
        return Store(self._engine).transact(lambda connection: blank_rows(connection, portion))


def _searchable_text(stored: str | None) -> str | None:
    """A stored payload or envelope; unpacked if it is an unreadable batch from the ledger."""
    if stored is None or not stored.startswith(RAW):
        return stored
    try:
        return RAW + base64.b64encode(searchable(base64.b64decode(stored.removeprefix(RAW)))).decode("ascii")
    except ValueError:
        return stored
