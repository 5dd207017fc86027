"""Changes: notes how the standings of records move, in the transaction that moves them.

The row of each record is read before it is written, which locks it, and after. PostgreSQL locks no row that is not
there yet: where another transaction inserts it meanwhile, how it stood before is unknown, and this transaction is run
again. A row that this one has inserted has no `xmax`; one that it met has its lock there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, Select, insert, literal_column, select, text
from sqlalchemy.exc import DBAPIError

from seven.archive_records import ArchivedDelivery
from seven.changes import WATCHES, NotedChange, Values
from seven.joins import Join
from seven.record import SHAPES, Record
from seven.records import RECORDS
from store.errors import RowAppeared, is_unmigrated
from store.rows_by_keys import key_values, select_by_keys
from store.schema import SCHEMA, changes, metadata, reactions
from store.upsert import NOW, array_rows, upsert


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be noted."""

    topics: frozenset[str] = frozenset()
    any_age: bool | None = None
    """True: subscribers are to be notified also of what is long past."""


NO_DEMAND = Demand()
"""Without a subscriber."""
OFF = "off"

_BY_TABLE = {record.table: record for record in RECORDS}
_IS_NEW = "is_new"
_NAMES = ("topic", "key", "was", "now", "at", "delivery_id", "any_age")
_LOCK_OPT_OUTS = text(f"SELECT pg_advisory_xact_lock({0x5E7E2219})")  # arbitrary, the same in every process

Key = tuple[Any, ...]


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
    keys = [record.key for record in records]
    is_settled = table == "opt_outs"  # its rows are written twice, and lose the mark of an insertion
    if is_settled and connection.dialect.name == "postgresql":
        connection.execute(_LOCK_OPT_OUTS)
    before = _read(connection, table, keys, _before(table, connection.dialect.name))
    upsert(connection, table, records)
    moved: list[NotedChange] = []
    for key, row in _read(connection, table, keys, _after(table, connection.dialect.name)).items():
        if key not in before and not row[_IS_NEW] and not is_settled:
            raise RowAppeared
        moved += (change for change in watch.compare(before.get(key), row) if change.topic in demand.topics)
    if moved:
        rows = [
            (each.topic, each.key, each.was, each.now, each.at, deliveries.of(table, each), demand.any_age)
            for each in moved
        ]
        columns = dict(zip(_NAMES, map(list, zip(*rows, strict=True)), strict=True))
        _insert(connection, columns)
    return len(moved)


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


def _read(connection: Connection, table: str, keys: Sequence[Key], query: Executable) -> dict[Key, Values]:
    """The rows with these keys."""
    names = SHAPES[_BY_TABLE[table]].names(Join.KEY)
    values = key_values(names, keys, connection.dialect.name)
    return {tuple(row[name] for name in names): row for row in connection.execute(query, values).mappings()}


@cache
def _before(table_name: str, dialect: str) -> Executable:
    """Rows by their keys, locked in their order."""
    query = _select(table_name, dialect)
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    return query.order_by(*table.primary_key).with_for_update(of=table, key_share=True)


@cache
def _after(table_name: str, dialect: str) -> Executable:
    """The same rows, which are locked by now, each with whether this transaction has inserted it."""
    is_new = "1" if dialect == "sqlite" else f"{table_name}.xmax = 0"
    return _select(table_name, dialect).add_columns(literal_column(is_new).label(_IS_NEW))


def _select(table_name: str, dialect: str) -> Select[Any]:
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    keys = [table.c[name] for name in SHAPES[_BY_TABLE[table_name]].names(Join.KEY)]
    return select_by_keys(keys, [*keys, *(table.c[name] for name in WATCHES[table_name].columns)], dialect)


def _insert(connection: Connection, columns: Mapping[str, Sequence[Any]]) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_insert_arrays(), columns)
        return
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    now = NOW["sqlite"]  # one writer at a time: their numbers tell what is new
    connection.execute(insert(changes).values(noted_at=now, fanned_out_at=now), rows)


@cache
def _insert_arrays() -> Executable:
    listed = select(*array_rows([changes.c[name] for name in _NAMES]), NOW["postgresql"])
    return insert(changes).from_select([*_NAMES, "noted_at"], listed, include_defaults=False)
