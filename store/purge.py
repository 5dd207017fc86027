"""Purge: blanks or removes old rows, a limited number per short transaction, found by an index.

Each function uses the caller's transaction, so that a delivery's row and its entry in `tallies` change together. Two
purges at once do no harm: each skips rows that the other has locked, and ignores rows that are already gone.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, delete, or_, select, update

from seven.aggregates import Aggregate
from seven.ranges import OrdinalRange, merge_ranges
from store.archive import first_id
from store.ordinals import SeriesKey, tally
from store.ownership import is_owned
from store.partitions import drop_past, provide
from store.personal_columns import WRITTEN
from store.purge_step import ROWS_AT_ONCE, Step, last_of_full, limited
from store.record_rows import among
from store.schema import (
    CLOSED_OUTCOMES,
    SCHEMA,
    dead_letter_failures,
    dead_letters,
    deliveries,
    inbound_messages,
    metadata,
    sent_messages,
)
from store.types import Time
from store.upsert import NOW

_OF_ROWS = ("changed_at", "journal_read_at")
"""Times of a row, and not of what it is about."""


def provide_weeks(connection: Connection, table: Table, now: datetime) -> Step:
    """Create the partitions of a table for the coming weeks, if it is ours."""
    if is_owned(connection, table):
        provide(connection, table, now)
    return Step()


def drop_weeks(connection: Connection, table: Table, before: datetime) -> Step:
    """Drop one partition that ends before then, if the table is ours.

    Of deliveries, whose rows are tallied one by one, only an empty one.
    """
    if not is_owned(connection, table):
        return Step()
    rows = drop_past(connection, table, before, only_empty=table is deliveries)
    return Step() if rows is None else Step({table.name: rows} if rows else {}, resume_after="")


def blank_payloads(connection: Connection, outcome: str, before: datetime) -> Step:
    """Blank payloads of one outcome received before then, and their digests, from which a payload could be guessed.

    Also blanks their client addresses, and the envelopes of their dead letters. Rows, reasons and ordinals stay. What
    was no batch has no time of receipt: its age counts from when a worker could not read it.
    """
    c, letters = deliveries.c, dead_letters.c
    kept = select(c.id).where(c.outcome == outcome, c.payload.is_not(None))
    ids = connection.execute(limited(kept.where(c.received_at < before).order_by(c.received_at))).scalars().all()
    if not ids:
        ids = connection.execute(limited(kept.where(_undated(before)).order_by(c.id))).scalars().all()
    if not ids:
        return Step()
    connection.execute(update(deliveries).where(c.id.in_(ids)).values(payload=None, digest=None, source=None))
    old_letters = update(dead_letters).where(letters.id.in_(ids), letters.envelope.is_not(None))
    blanked = connection.execute(old_letters.values(envelope=None)).rowcount
    return Step(blanked={deliveries.name: len(ids), dead_letters.name: blanked}, resume_after=last_of_full(ids))


def remove_deliveries(connection: Connection, before: datetime, after: str) -> Step:
    """Remove deliveries received before then, after an id, with their dead letters, and tally each of them.

    Dead and quarantined ones stay until an operator handles them, parked ones until their payload is blanked.
    """
    c = deliveries.c
    unwanted = or_(c.outcome.in_(CLOSED_OUTCOMES), and_(c.outcome == "parked", c.payload.is_(None)))
    old = select(c.id, c.ledger, c.queue, c.ordinal, c.received_at).where(
        c.id > after, c.id < first_id(before), or_(c.received_at < before, _undated(before)), unwanted
    )
    rows = connection.execute(limited(old.order_by(c.id))).all()
    if not rows:
        return Step()
    ids = [row.id for row in rows]
    removed = {
        table.name: _remove(connection, table, ids) for table in (deliveries, dead_letters, dead_letter_failures)
    }
    ordinals: dict[SeriesKey, list[int]] = defaultdict(list)
    for row in rows:
        if row.ordinal is not None:
            ordinals[row.ledger or "", row.queue or ""].append(row.ordinal)
    latest = max((row.received_at for row in rows if row.received_at), default=None)
    for series, of_series in sorted(ordinals.items()):
        tally(connection, series, _without_row(connection, series, of_series), "removed", latest)
    return Step(removed, resume_after=last_of_full(ids))


def blank_texts(connection: Connection, before: datetime) -> Step:
    """Blank what people wrote or sent in inbound messages sent before then; each has a text, if only an empty one."""
    c = inbound_messages.c
    old = select(c.id).where(c.text.is_not(None), c.sent_at < before)
    ids = connection.execute(limited(old.order_by(c.sent_at))).scalars().all()
    if not ids:
        return Step()
    stamp = NOW[connection.dialect.name]
    blank = {**dict.fromkeys(WRITTEN), "changed_at": stamp}
    connection.execute(update(inbound_messages).where(c.id.in_(ids)).values(**blank))
    return Step(blanked={inbound_messages.name: len(ids)}, resume_after=last_of_full(ids))


def blank_sent_texts(connection: Connection, before: datetime) -> Step:
    """Blank the texts of messages that we sent before then."""
    c = sent_messages.c
    old = select(c.msg_id).where(c.text.is_not(None), c.sent_at < before)
    ids = connection.execute(limited(old.order_by(c.sent_at))).scalars().all()
    if not ids:
        return Step()
    blank = update(sent_messages).where(c.msg_id.in_(ids))
    connection.execute(blank.values(text=None, changed_at=NOW[connection.dialect.name]))
    return Step(blanked={sent_messages.name: len(ids)}, resume_after=last_of_full(ids))


def remove_entries(connection: Connection, table: Table, before: datetime) -> Step:
    """Remove entries of a history from before then, the oldest first; entries of one time go together."""
    at = table.c.at
    oldest = select(at).where(at < before).order_by(at)
    edge = connection.execute(oldest.offset(ROWS_AT_ONCE - 1).limit(1)).scalar_one_or_none()
    removed = connection.execute(delete(table).where(at < before if edge is None else at <= edge)).rowcount
    return Step({table.name: removed} if removed else {}, resume_after=None if edge is None else "")


def remove_records(connection: Connection, aggregate: Aggregate, age: str, before: datetime) -> Step:
    """Remove records, with their histories, whose column `age` and all other times are before then.

    The index selects by `age`. If that is `changed_at`, the clock of the database may have been behind when it was set.
    """
    tables = [metadata.tables[f"{SCHEMA}.{record.table}"] for record in aggregate.records]
    key, at = [tables[0].c[name] for name in aggregate.subject_fields], tables[0].c[age]
    other_times = [c for c in tables[0].c if isinstance(c.type, Time) and c.name not in (age, *_OF_ROWS)]
    old = select(*key).where(at < before, *(or_(c.is_(None), c < before) for c in other_times)).order_by(at)
    keys = [tuple(row) for row in connection.execute(limited(old))]
    if not keys:
        return Step()
    removed = {}
    for table in reversed(tables):
        condition = among([table.c[name] for name in aggregate.subject_fields], keys)
        removed[table.name] = connection.execute(delete(table).where(condition)).rowcount
    return Step(removed, resume_after=last_of_full(keys))


def _undated(before: datetime) -> ColumnElement[bool]:
    """Deliveries without a time of receipt that failed before then; without a dead letter, by the time in their id."""
    c, letters = deliveries.c, dead_letters.c
    failed_at = select(letters.failed_at).where(letters.id == c.id).scalar_subquery()
    return and_(c.received_at.is_(None), or_(failed_at < before, and_(failed_at.is_(None), c.id < first_id(before))))


def _remove(connection: Connection, table: Table, ids: Sequence[str]) -> int:
    column: Column[Any] = table.c.id
    return connection.execute(delete(table).where(column.in_(ids))).rowcount


def _without_row(connection: Connection, series: SeriesKey, ordinals: Sequence[int]) -> list[OrdinalRange]:
    """The ordinals without a row: an ordinal that the ledger gave out twice may still have one."""
    c = deliveries.c
    query = select(c.ordinal).where(c.ledger == series[0], c.queue == series[1], c.ordinal.in_(ordinals))
    existing = set(connection.execute(query).scalars())
    return merge_ranges((ordinal, ordinal) for ordinal in ordinals if ordinal not in existing)
