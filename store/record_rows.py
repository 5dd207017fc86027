"""Record rows: reads rows as records, compares them with other records, and replaces them.

Joins only merge; here rows replace others, as no join could, while the tables are locked against other writers.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, and_, bindparam, delete, or_, select, text

from seven.aggregates import Aggregate
from seven.histories import is_undated, keep_earliest
from seven.joins import Join
from seven.record import JOINS, Record, fold
from seven.records import RECORD_BY_TABLE
from store.schema import SCHEMA, metadata
from store.upsert import upsert

RowKey = tuple[str, tuple[object, ...]]
"""Identifies a row: its table, and its key."""

KEYS_AT_ONCE = 500  # SQLite bounds a statement's parameters


def row_key(record: Record) -> RowKey:
    """The row in which a record is stored."""
    return record.table, record.key


def read_records(connection: Connection, row_keys: Iterable[RowKey]) -> Mapping[RowKey, Record]:
    """The records in these rows; missing rows are left out."""
    records: dict[RowKey, Record] = {}
    for table_name, of_table in groupby(sorted(set(row_keys), key=repr), key=lambda row_key: row_key[0]):
        keys = [key for _, key in of_table]
        for start in range(0, len(keys), KEYS_AT_ONCE):
            records.update(_read(connection, table_name, keys[start : start + KEYS_AT_ONCE]))
    return records


def select_records(table_name: str, condition: ColumnElement[bool]) -> Select[Any]:
    """The query for the records of one table; each row has the arguments of the record's class."""
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    return select(*(table.c[name] for name in JOINS[RECORD_BY_TABLE[table_name]].field_joins)).where(condition)


def among(columns: Sequence[Column[Any]], keys: Sequence[tuple[object, ...]]) -> ColumnElement[bool]:
    """The condition that columns hold one of these keys; no list of row values, for which SQLite uses no index."""
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return or_(*(and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in keys))


def _read(connection: Connection, table_name: str, keys: list[tuple[object, ...]]) -> dict[RowKey, Record]:
    record = RECORD_BY_TABLE[table_name]
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    columns = [table.c[name] for name in JOINS[record].names(Join.KEY)]
    rows = (record(**row) for row in connection.execute(select_records(table_name, among(columns, keys))).mappings())
    return {row_key(row): row for row in rows}


def _undated(connection: Connection, records: Iterable[Record]) -> dict[RowKey, Record]:
    """The stored undated entries of the statuses of which there is one among these records."""
    statuses: dict[type[Record], set[tuple[object, ...]]] = defaultdict(set)
    for record in filter(is_undated, records):
        statuses[type(record)].add(tuple(getattr(record, name) for name in record.history_of))
    stored: dict[RowKey, Record] = {}
    for history, keys in statuses.items():
        table, ordered = metadata.tables[f"{SCHEMA}.{history.table}"], sorted(keys, key=repr)
        columns = [table.c[name] for name in history.history_of]
        for start in range(0, len(ordered), KEYS_AT_ONCE):
            condition = and_(table.c.undated.is_not(None), among(columns, ordered[start : start + KEYS_AT_ONCE]))
            rows = connection.execute(select_records(history.table, condition)).mappings()
            stored.update((row_key(entry), entry) for entry in (history(**row) for row in rows))
    return stored


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row that differs. `before` is None for a new row, `after` for a removed one."""

    table: str
    key: tuple[object, ...]
    before: Record | None
    after: Record | None

    @property
    def fields(self) -> dict[str, tuple[object, object]]:
        """The fields that differ, each with its value before and after; of a new row those that are not None."""
        record = self.after or self.before
        names = JOINS[type(record)].field_joins if record else ()
        values = {name: (getattr(self.before, name, None), getattr(self.after, name, None)) for name in names}
        return {name: (before, after) for name, (before, after) in values.items() if before != after}


def row_differences(connection: Connection, records: Iterable[Record]) -> list[RowDifference]:
    """The changes that writing these records would make, in the order of writing.

    Records are merged with the stored rows as by an upsert. Equal rows are left out.
    """
    folded = {row_key(record): record for record in fold(records)}
    before = {**read_records(connection, folded), **_undated(connection, folded.values())}
    return compare(before, merge_with_stored(before, folded))


def merge_with_stored(stored: Mapping[RowKey, Record], folded: Mapping[RowKey, Record]) -> dict[RowKey, Record]:
    """Each of the folded records, merged with the stored one of the same row.

    The stored undated entries of histories are among them, but for those that an earlier one replaces.
    """
    undated = {key: record for key, record in stored.items() if is_undated(record)}
    merged = {key: stored[key].merge(record) if key in stored else record for key, record in folded.items()}
    return {row_key(record): record for record in keep_earliest((undated | merged).values())}


def compare(before: Mapping[RowKey, Record], after: Mapping[RowKey, Record]) -> list[RowDifference]:
    """The rows that differ, sorted as `fold` sorts; a row missing from `after` is a removal."""
    return [
        RowDifference(*key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def lock_tables(connection: Connection, records: Iterable[type[Record]]) -> None:
    """Lock these records' tables against other writers until this transaction ends; readers continue.

    Waits for uncommitted writers. The order of the locks is the order in which `fold` makes writers write, so there is
    no deadlock. SQLite has a single writer anyway.
    """
    if connection.dialect.name == "postgresql":
        tables = ", ".join(f"{SCHEMA}.{name}" for name in sorted(record.table for record in records))
        connection.execute(text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))


def records_of_subjects(
    connection: Connection, aggregate: Aggregate, subjects: Collection[str]
) -> dict[RowKey, Record]:
    """All stored records of these subjects."""
    readings = sorted(reading for subject in subjects for reading in aggregate.possible_keys(subject))
    records: dict[RowKey, Record] = {}
    for record in aggregate.records:
        columns = [metadata.tables[f"{SCHEMA}.{record.table}"].c[name] for name in aggregate.subject_fields]
        for start in range(0, len(readings), KEYS_AT_ONCE):
            condition = among(columns, readings[start : start + KEYS_AT_ONCE])
            rows = connection.execute(select_records(record.table, condition)).mappings()
            records.update((row_key(stored), stored) for stored in (record(**row) for row in rows))
    return records


def replace_rows(connection: Connection, changes: Sequence[RowDifference]) -> None:
    """Apply changes: delete and insert each row that differs, with a new `changed_at`; other rows stay untouched."""
    for table_name, group in groupby(changes, key=lambda change: change.table):
        of_table = list(group)
        if removed := [change.before for change in of_table if change.before]:
            table = metadata.tables[f"{SCHEMA}.{table_name}"]
            names = JOINS[type(removed[0])].names(Join.KEY)
            condition = and_(*(table.c[name] == bindparam(f"its_{name}") for name in names))
            keys = [{f"its_{name}": getattr(record, name) for name in names} for record in removed]
            connection.execute(delete(table).where(condition), keys)
        if added := [change.after for change in of_table if change.after]:
            upsert(connection, table_name, added)
