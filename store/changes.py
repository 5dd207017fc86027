"""Changes: notes how the standings of records move, in the transaction that moves them.

The row of each record is read before it is written, which locks it, and compared with how it stands afterwards.
PostgreSQL returns that from the upsert, for each row that this changed. It locks no row that is not there yet: where
another transaction inserts it meanwhile, how it stood before is unknown, and this transaction is run again. An inserted
row has no `xmax`; one that the upsert met has its lock there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, Select, bindparam, insert, select, text
from sqlalchemy.exc import DBAPIError

from seven.archive_records import ArchivedDelivery
from seven.changes import WATCHES, NotedChange, Values
from seven.joins import Join
from seven.record import JOINS, Record
from seven.records import RECORD_BY_TABLE
from store.advisory_locks import NOTING, OPT_OUTS
from store.errors import RowAppeared, is_unmigrated
from store.rows_by_keys import key_values, select_by_keys
from store.schema import SCHEMA, changes, metadata, reactions
from store.transactions import BOUNDS_MS
from store.upsert import NOW, array_rows, upsert, upsert_returning


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be noted."""

    topics: frozenset[str] = frozenset()
    any_age: bool | None = None
    """True: subscribers are to be notified also of what is long past."""


NO_DEMAND = Demand()
"""Without a subscriber."""
OFF = "off"

_WRITTEN_TWICE = frozenset(("opt_outs",))
"""Tables whose rows are settled after they were merged: an upsert cannot return how they stand in the end."""
_NAMES = ("topic", "key", "was", "now", "at", "delivery_id")
LONGEST_TURN_MS = 25_000
"""How long a writer waits for its turn: less than a statement may take."""
_LOCK_OPT_OUTS = text(f"SELECT pg_advisory_xact_lock({OPT_OUTS})")
_LOCK_TABLE = text(
    f"SELECT set_config('lock_timeout', '{LONGEST_TURN_MS}', true), pg_advisory_xact_lock({NOTING}, hashtext(:table)),"
    f" set_config('lock_timeout', '{BOUNDS_MS['lock_timeout']}', true)"
)
"""A turn at one table. Others may have theirs before, which is no lock that somebody forgot."""

Key = tuple[Any, ...]
Rows = Mapping[Key, Values]
Row = tuple[Key, Values]
"""A row by its key."""


def demanded_topics(connection: Connection) -> frozenset[str]:
    """The topics that have a subscriber; none has before the table is there."""
    try:
        listed = connection.execute(select(reactions.c.topics).where(reactions.c.state != OFF)).scalars().all()
    except DBAPIError as error:
        if is_unmigrated(error):
            return NO_DEMAND.topics
        raise
    return frozenset(topic for topics in listed for topic in (topics or "").split())


def merge_and_note(
    connection: Connection, table: str, records: Sequence[Record], demand: Demand, deliveries: "Deliveries"
) -> int:
    """Merge records into their table, and write how they moved, as far as it is in demand; returns how many did.

    Raises RowAppeared where another transaction has inserted one of their rows meanwhile.
    """
    watch = WATCHES.get(table)
    if watch is None or not watch.topics & demand.topics:
        upsert(connection, table, records)
        return 0
    dialect = connection.dialect.name
    if dialect == "postgresql":
        _take_turn(connection, table)
    before = _read(connection, table, [record.key for record in records], _before(table, dialect))
    write = _write_and_read if dialect == "sqlite" or table in _WRITTEN_TWICE else _write_returning
    moved = [
        change
        for key, row in write(connection, table, records, before)
        for change in watch.compare(before.get(key), row)
        if change.topic in demand.topics
    ]
    if moved:
        rows = [(each.topic, each.key, each.was, each.now, each.at, deliveries.of(table, each)) for each in moved]
        _insert(connection, dict(zip(_NAMES, map(list, zip(*rows, strict=True)), strict=True)), demand.any_age)
    return len(moved)


def _take_turn(connection: Connection, table: str) -> None:
    """Let one transaction at a time note changes of a table.

    Each locks the rows that are there, in their order, and adds the others afterwards: two that did so at once would
    wait for each other's, or read again what the other has added meanwhile.
    """
    if table in _WRITTEN_TWICE:  # by the key of earlier versions, which took turns here already
        connection.execute(_LOCK_OPT_OUTS)
    else:
        connection.execute(_LOCK_TABLE, {"table": table})


class Deliveries:
    """The deliveries of a transaction, by what they are about."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._by_subject: dict[str, list[ArchivedDelivery]] = {}
        for record in records:
            if isinstance(record, ArchivedDelivery) and record.subject is not None:
                self._by_subject.setdefault(record.subject, []).append(record)

    def of(self, table: str, change: NotedChange) -> str | None:
        """The delivery that brought a change: the one of the same time, else the last; None if there is none."""
        subject = change.key.rsplit(" ", 2)[0] if table == "link_events" else change.key
        about = self._by_subject.get(subject, ())
        same = next((each for each in about if each.event_at == change.at), None)
        return same.id if same else about[-1].id if about else None


def _write_returning(connection: Connection, table: str, records: Sequence[Record], before: Rows) -> Iterator[Row]:
    """Merge records; yields the rows that this changed, as they stand now. Raises RowAppeared."""
    keys = _key_names(table)
    for row in upsert_returning(connection, table, records, (*keys, *WATCHES[table].columns)):
        key = tuple(row[name] for name in keys)
        if key not in before and not row["is_new"]:
            raise RowAppeared
        yield key, row


def _write_and_read(connection: Connection, table: str, records: Sequence[Record], before: Rows) -> Iterator[Row]:
    """Merge records, and read their rows again; yields them. Where nobody else writes the table meanwhile.

    That is so in SQLite, and of opt-outs, whose writers take turns. A row that is new, and written once, is its record.
    """
    upsert(connection, table, records)
    keys = [record.key for record in records if record.key in before or table in _WRITTEN_TWICE]
    after = _read(connection, table, keys, _select(table, connection.dialect.name)) if keys else {}
    names = (*_key_names(table), *WATCHES[table].columns)
    for record in records:
        yield record.key, after.get(record.key) or {name: getattr(record, name) for name in names}


def _read(connection: Connection, table: str, keys: Sequence[Key], query: Executable) -> Rows:
    """The rows with these keys, of which there is at least one."""
    names = _key_names(table)
    rows = connection.execute(query, key_values(names, keys, connection.dialect.name)).mappings().all()
    return {tuple(row[name] for name in names): row for row in rows}


@cache
def _before(table_name: str, dialect: str) -> Executable:
    """Rows by their keys, locked in their order."""
    query = _select(table_name, dialect)
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    return query.order_by(*table.primary_key).with_for_update(of=table, key_share=True)


@cache
def _select(table_name: str, dialect: str) -> Select[Any]:
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    keys = [table.c[name] for name in _key_names(table_name)]
    return select_by_keys(keys, [*keys, *(table.c[name] for name in WATCHES[table_name].columns)], dialect)


@cache
def _key_names(table_name: str) -> Sequence[str]:
    return JOINS[RECORD_BY_TABLE[table_name]].names(Join.KEY)


def _insert(connection: Connection, columns: Mapping[str, Sequence[Any]], any_age: bool | None) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_insert_arrays(), {**columns, "any_age": any_age})
        return
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    now = NOW["sqlite"]  # one writer at a time: their numbers tell what is new
    connection.execute(insert(changes).values(any_age=any_age, noted_at=now, fanned_out_at=now), rows)


@cache
def _insert_arrays() -> Executable:
    same = [bindparam("any_age", type_=changes.c.any_age.type), NOW["postgresql"]]
    listed = select(*array_rows([changes.c[name] for name in _NAMES]), *same)
    return insert(changes).from_select([*_NAMES, "any_age", "noted_at"], listed, include_defaults=False)
