"""Person search: finds everything kept about one person, for `forget` and for `export`, which cannot differ so.

Every row of every table with personal data is read: numbers stand in any spelling, also within texts and payloads.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from ledger.batch import Batch, searchable
from ledger.client import Ledger
from ledger.scan import pending_batches
from operations.erasure_matches import Subjects, aggregate_of
from seven.aggregates import record_of
from seven.data_subject import DataSubject
from seven.digest import is_short_digest
from seven.envelope import RAW
from store.personal_columns import FAILURES, FILTERS, LABELS, LETTERS, PAYLOADS, RECORDS, SENT, PersonalColumns
from store.personal_data import Blanking, Row, find_blanks, own_numbers, rows, size
from store.projection import project_batch
from store.schema import links, messages


@dataclass(frozen=True, slots=True)
class Match:
    """One row with something of the person."""

    personal: PersonalColumns
    row: Row
    """Its key and its personal columns."""
    about: bool
    """Whether it is about the person; else it is another's, and names them."""
    blanking: Blanking | None
    """The change that would take the person out of it, without pseudonyms; None if nothing of theirs is left in it."""

    @property
    def key(self) -> tuple[object, ...]:
        """The row's key."""
        return tuple(self.row[column.name] for column in self.personal.table.primary_key)


class PersonSearch:
    """One search. Its steps are to be taken in this order: records, pending batches, deliveries.

    The ledger is read before the deliveries: a batch that has left it by then is committed, so its rows are found.
    Raises SQLAlchemyError or RedisError.
    """

    def __init__(self, engine: Engine, ledger: Ledger, person: DataSubject) -> None:
        self._engine, self._ledger, self._person = engine, ledger, person
        self.subjects = Subjects()
        self.latest_at: datetime | None = None
        """The latest time of the person's deliveries so far; it may be ahead of every clock here."""
        self.on_progress: Callable[[int], None] = lambda _: None
        """Takes the number of rows searched since the last call; may raise to stop the search."""

    def size(self) -> int:
        """The number of rows that one search reads."""
        return size(self._engine)

    def records(self) -> Iterator[Match]:
        """The person's records; what was sent first, then messages: a link is found by its message only."""
        for personal in RECORDS:
            aggregate = aggregate_of(personal.table.name)
            for page in rows(self._engine, personal):
                self.on_progress(len(page))
                for row in page:
                    by_message = self._is_by_message(personal, row)
                    about, blanking = find_blanks(personal, row, self._person, by_message)
                    subject = " ".join(row[name] for name in aggregate.subject_fields)
                    if about:
                        self.subjects.known.add((messages.name if personal is SENT else aggregate.name, subject))
                    if about and personal.table in (messages, SENT.table):
                        self.subjects.message_ids.add(row["msg_id"])
                    if blanking and blanking.renamed:
                        self.subjects.renamed.add((aggregate.name, subject))
                    if about or blanking:
                        yield Match(personal, row, about, blanking)

    def _is_by_message(self, personal: PersonalColumns, row: Row) -> bool:
        """Whether a row is of a message of theirs, or of a link in it."""
        name = {messages.name: "msg_id", links.name: "sms_id"}.get(personal.table.name)
        return name is not None and row[name] in self.subjects.message_ids

    def pending(self) -> Iterator[tuple[str, int]]:
        """The batches in the ledger with deliveries about the person: the id of each, and how many they are."""
        for batch in pending_batches(self._ledger):
            if number := self._count_deliveries(batch):
                yield batch.id, number

    def deliveries(self) -> Iterator[Match]:
        """Deliveries that name the person or are about their records, and what is left of dead letters."""
        ids: set[str] = set()
        for page in rows(self._engine, PAYLOADS, ("record", "subject", "event_at", *LABELS)):
            self.on_progress(len(page))
            yield from filter(None, (self._delivery(row, ids) for row in page))
        for page in rows(self._engine, FILTERS) if self._person.own_number else ():
            for row in page:
                if own := own_numbers(FILTERS, row, self._person):
                    yield Match(FILTERS, row, False, Blanking(FILTERS, (row["id"],), tuple(own)))
        for personal in (LETTERS, FAILURES):
            for page in rows(self._engine, personal):
                self.on_progress(len(page))
                yield from filter(None, (self._letter(personal, row, ids) for row in page))

    def names_person(self, name: str, row: Row) -> bool:
        """Whether a column of a row names the person."""
        return row[name] is not None and self._person.matches((name, row[name]))

    def _delivery(self, row: Row, ids: set[str]) -> Match | None:
        subject = (record_of(row["event_type"], row["record"]), row["subject"])
        names = [name for name in LABELS if self.names_person(name, row)]
        about = self.subjects.include(*subject)
        if matching := about or self._person.is_in_payload(_searchable_text(row["payload"])):
            ids.add(row["id"])
            is_derived = subject in self.subjects.renamed or _is_of_no_message(*subject)
            names += [*PAYLOADS.columns, *(["subject"] if is_derived else [])]
        columns = tuple(name for name in names if row[name] is not None)
        blanking = Blanking(PAYLOADS, (row["id"],), columns) if columns else None
        if blanking and row["event_at"]:
            self.latest_at = max(row["event_at"], self.latest_at or row["event_at"])
        return Match(PAYLOADS, row, about, blanking) if matching or columns else None

    def _letter(self, personal: PersonalColumns, row: Row, ids: set[str]) -> Match | None:
        columns = tuple(name for name in personal.columns if self._is_of_person(name, row, ids))
        key = tuple(row[column.name] for column in personal.table.primary_key)
        blanking = Blanking(personal, key, columns) if columns else None
        return Match(personal, row, row["id"] in ids, blanking) if columns or row["id"] in ids else None

    def _is_of_person(self, name: str, row: Row, ids: set[str]) -> bool:
        if name != "envelope":
            return self.names_person(name, row)
        text = row[name]
        return text is not None and (row["id"] in ids or self._person.is_in_payload(_searchable_text(text)))

    def _count_deliveries(self, batch: object) -> int:
        """The number of deliveries about the person in a pending batch; 1 for an unreadable batch with any."""
        if not isinstance(batch, Batch):
            return int(self._person.is_in(searchable(getattr(batch, "stored", b"")).decode("utf-8", "replace")))
        texts = (line.decode("utf-8", "replace") for line in batch.lines)
        matching = {n for n, text in enumerate(texts) if self._person.is_in_payload(text)}
        if self.subjects.known:
            deliveries = (projection.delivery for projection in project_batch(batch))
            matching |= {n for n, row in enumerate(deliveries) if self.subjects.include(row.record, row.subject)}
        return len(matching)


def _searchable_text(stored: str | None) -> str | None:
    """A stored payload or envelope; unpacked if it is an unreadable batch from the ledger."""
    if stored is None or not stored.startswith(RAW):
        return stored
    try:
        return RAW + base64.b64encode(searchable(base64.b64decode(stored.removeprefix(RAW)))).decode("ascii")
    except ValueError:
        return stored


def _is_of_no_message(record: str | None, subject: str | None) -> bool:
    """Whether a subject is a digest of personal data though its record has ids of the gateway's: of `rcs`, typing."""
    return record == messages.name and subject is not None and is_short_digest(subject)
