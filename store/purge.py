"""Aging: what is too old is blanked or removed, some rows in one short transaction, found by an index.

Each of these takes the transaction under way, so that a delivery's row goes together with its entry in `tallies`. Two
at once do no harm: rows in another's hands are left to it, and what is gone already is nothing to do.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, and_, delete, or_, select, update

from seven.aggregates import Aggregate
from seven.ranges import Run, runs
from store.archive import first_id
from store.ordinals import Place, tally
from store.partitions import drop_past, provide
from store.record_rows import among
from store.schema import (
    SCHEMA,
    dead_letter_failures,
    dead_letters,
    deliveries,
    hook_changes,
    inbound_messages,
    metadata,
)
from store.types import Time
from store.upsert import NOW

ROWS_AT_ONCE = 500

CLOSED = ("applied", "discarded")
"""Outcomes of deliveries that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction did, rows by table, and where the next one begins; None where nothing is left to do."""

    removed: Mapping[str, int] = field(default_factory=dict)
    blanked: Mapping[str, int] = field(default_factory=dict)
    then: str | None = None


def provide_weeks(connection: Connection, table: Table, now: datetime) -> Step:
    """Partitions of a table for the weeks that come."""
    provide(connection, table, now)
    return Step()


def drop_weeks(connection: Connection, table: Table, before: datetime) -> Step:
    """One partition that is wholly from before then; of deliveries, whose ordinals are tallied, only an empty one."""
    rows = drop_past(connection, table, before, only_empty=table is deliveries)
    return Step() if rows is None else Step({table.name: rows} if rows else {}, then="")


def blank_payloads(connection: Connection, outcome: str, before: datetime) -> Step:
    """Payloads of deliveries of one outcome received before then, with their digests, which could be guessed.

    The envelopes of their dead letters go with them, and the addresses they came from. Rows, reasons and ordinals stay.
    """
    c = deliveries.c
    old = select(c.id).where(c.outcome == outcome, c.payload.is_not(None), c.received_at < before)
    ids = connection.execute(_some(old.order_by(c.received_at))).scalars().all()
    if not ids:
        return Step()
    letters = dead_letters.c
    connection.execute(update(deliveries).where(c.id.in_(ids)).values(payload=None, digest=None, source=None))
    its_letters = update(dead_letters).where(letters.id.in_(ids), letters.envelope.is_not(None))
    blanked = connection.execute(its_letters.values(envelope=None)).rowcount
    return Step(blanked={deliveries.name: len(ids), dead_letters.name: blanked}, then=_then(ids))


def remove_deliveries(connection: Connection, before: datetime, after: str) -> Step:
    """Rows of deliveries received before then, from an id on, each tallied, with what dead letters of them are left.

    Dead and quarantined ones stay until somebody deals with them, parked ones as long as their payload is kept.
    """
    c = deliveries.c
    unwanted = or_(c.outcome.in_(CLOSED), and_(c.outcome == "parked", c.payload.is_(None)))
    old = select(c.id, c.ledger, c.queue, c.ordinal, c.received_at).where(
        c.id > after, c.id < first_id(before), c.received_at < before, unwanted
    )
    rows = connection.execute(_some(old.order_by(c.id))).all()
    if not rows:
        return Step()
    ids = [row.id for row in rows]
    removed = {
        table.name: _remove(connection, table, ids) for table in (deliveries, dead_letters, dead_letter_failures)
    }
    ordinals: dict[Place, list[int]] = defaultdict(list)
    for row in rows:
        if row.ordinal is not None:
            ordinals[row.ledger or "", row.queue or ""].append(row.ordinal)
    latest = max(row.received_at for row in rows)
    for place, some in sorted(ordinals.items()):
        tally(connection, place, _gone(connection, place, some), "removed", latest)
    return Step(removed, then=_then(ids))


def blank_texts(connection: Connection, before: datetime) -> Step:
    """Texts of inbound SMS sent before then."""
    c = inbound_messages.c
    old = select(c.id).where(c.text.is_not(None), c.sent_at < before)
    ids = connection.execute(_some(old.order_by(c.sent_at))).scalars().all()
    if not ids:
        return Step()
    stamp = NOW[connection.dialect.name]
    connection.execute(update(inbound_messages).where(c.id.in_(ids)).values(text=None, changed_at=stamp))
    return Step(blanked={inbound_messages.name: len(ids)}, then=_then(ids))


def remove_entries(connection: Connection, table: Table, before: datetime) -> Step:
    """Entries of a history from before then, the oldest first; those of one moment go together."""
    at = table.c.at
    oldest = select(at).where(at < before).order_by(at)
    edge = connection.execute(oldest.offset(ROWS_AT_ONCE - 1).limit(1)).scalar_one_or_none()
    removed = connection.execute(delete(table).where(at < before if edge is None else at <= edge)).rowcount
    return Step({table.name: removed} if removed else {}, then=None if edge is None else "")


def remove_records(connection: Connection, family: Aggregate, age: str, before: datetime) -> Step:
    """Records whose column `age` is before then, and each time that they tell of themselves, with their histories.

    The index selects by `age`. Where that is the last change, a database whose clock was behind may have stamped it.
    """
    tables = [metadata.tables[f"{SCHEMA}.{record.table}"] for record in family.records]
    key, at = [tables[0].c[name] for name in family.about], tables[0].c[age]
    its = [c for c in tables[0].c if isinstance(c.type, Time) and c.name not in (age, "changed_at")]
    old = select(*key).where(at < before, *(or_(c.is_(None), c < before) for c in its)).order_by(at)
    keys = [tuple(row) for row in connection.execute(_some(old))]
    if not keys:
        return Step()
    removed = {}
    for table in reversed(tables):
        condition = among([table.c[name] for name in family.about], keys)
        removed[table.name] = connection.execute(delete(table).where(condition)).rowcount
    return Step(removed, then=_then(keys))


def remove_hook_changes(connection: Connection, before: datetime) -> Step:
    """Changes of hooks from before then."""
    c = hook_changes.c
    old = select(c.id).where(c.id < first_id(before), c.at < before).order_by(c.id)
    ids = connection.execute(_some(old)).scalars().all()
    if not ids:
        return Step()
    return Step({hook_changes.name: _remove(connection, hook_changes, ids)}, then=_then(ids))


def _some(query: Select[Any]) -> Select[Any]:
    """At most so many rows, none that others have in hand."""
    return query.limit(ROWS_AT_ONCE).with_for_update(skip_locked=True)


def _then(found: Sequence[Any]) -> str | None:
    """Where rows were as many as one step takes, the last of them; else nothing is left."""
    return str(found[-1]) if len(found) == ROWS_AT_ONCE else None


def _remove(connection: Connection, table: Table, ids: Sequence[str]) -> int:
    column: Column[Any] = table.c.id
    return connection.execute(delete(table).where(column.in_(ids))).rowcount


def _gone(connection: Connection, place: Place, ordinals: Sequence[int]) -> list[Run]:
    """Those of these ordinals that have no row now: of one that was given out twice another row may be left."""
    c = deliveries.c
    kept = select(c.ordinal).where(c.ledger == place[0], c.queue == place[1], c.ordinal.in_(ordinals))
    there = set(connection.execute(kept).scalars())
    return runs((one, one) for one in ordinals if one not in there)
