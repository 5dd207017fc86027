"""Reading: what the store holds of given records, as records again."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, and_, or_, select

from seven.joins import Join
from seven.records import RECORDS, SHAPES, Record
from store.schema import SCHEMA, metadata

Place = tuple[str, tuple[object, ...]]
"""Where a record is kept: its table, and its key."""

KEYS_AT_ONCE = 500  # SQLite bounds a statement's parameters
_BY_TABLE = {record.table: record for record in RECORDS}


def place(record: Record) -> Place:
    """Where a record is kept."""
    return record.table, record.key


def kept(connection: Connection, places: Iterable[Place]) -> Mapping[Place, Record]:
    """What is kept at these places; what is kept nowhere is left out."""
    found: dict[Place, Record] = {}
    for table_name, some in groupby(sorted(set(places), key=repr), key=lambda one: one[0]):
        keys = [key for _, key in some]
        for start in range(0, len(keys), KEYS_AT_ONCE):
            found.update(_kept(connection, table_name, keys[start : start + KEYS_AT_ONCE]))
    return found


def select_records(table_name: str, condition: ColumnElement[bool]) -> Select[Any]:
    """The query for the records of one table: each of its rows is what the record's class takes."""
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    return select(*(table.c[name] for name in SHAPES[_BY_TABLE[table_name]].declared)).where(condition)


def among(columns: Sequence[Column[Any]], keys: Sequence[tuple[object, ...]]) -> ColumnElement[bool]:
    """That columns hold one of these keys; by an index, which SQLite does not ask for row values in a list."""
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return or_(*(and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in keys))


def _kept(connection: Connection, table_name: str, keys: list[tuple[object, ...]]) -> dict[Place, Record]:
    record = _BY_TABLE[table_name]
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    columns = [table.c[name] for name in SHAPES[record].names(Join.KEY)]
    rows = (record(**row) for row in connection.execute(select_records(table_name, among(columns, keys))).mappings())
    return {place(row): row for row in rows}
