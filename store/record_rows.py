"""Record rows: rows of the store as records again, where they differ from others, and replaced by them.

Joins merge rows; here rows are put in the place of others, as no join would, while nobody else writes them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, and_, bindparam, delete, or_, select, text

from seven.aggregates import Aggregate
from seven.joins import Join
from seven.records import RECORDS, SHAPES, Record, fold
from store.schema import SCHEMA, metadata
from store.upsert import upsert

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


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs. `before` is None for a row that is new, `after` for one that goes."""

    table: str
    key: tuple[object, ...]
    before: Record | None
    after: Record | None

    @property
    def fields(self) -> dict[str, tuple[object, object]]:
        """The fields that differ, each with its value before and after; of a new row those that say something."""
        one = self.after or self.before
        names = SHAPES[type(one)].declared if one else ()
        told = {name: (getattr(self.before, name, None), getattr(self.after, name, None)) for name in names}
        return {name: (before, after) for name, (before, after) in told.items() if before != after}


def changes(connection: Connection, records: Iterable[Record], replace: bool = False) -> list[Change]:
    """What would become of the rows that these records are about, in the order in which they would be written.

    Joined to what is kept as an upsert joins them; with `replace` put in its place. Equal rows are left out.
    """
    told = {place(record): record for record in fold(records)}
    before = kept(connection, told)
    return compared(before, told if replace else joined(before, told))


def joined(before: Mapping[Place, Record], told: Mapping[Place, Record]) -> dict[Place, Record]:
    """What is told, each joined to what is kept at its place."""
    return {where: before[where].merge(record) if where in before else record for where, record in told.items()}


def compared(before: Mapping[Place, Record], after: Mapping[Place, Record]) -> list[Change]:
    """The places where rows differ, sorted as `fold` sorts; what is missing from `after` goes."""
    return [
        Change(*where, before.get(where), after.get(where))
        for where in sorted(before.keys() | after.keys())
        if before.get(where) != after.get(where)
    ]


def lock(connection: Connection, records: Iterable[type[Record]]) -> None:
    """Keep everybody else from writing into these records' tables until this transaction ends; reading goes on.

    Who has written some of them and has not committed yet is waited for. Tables are locked in the order in which
    `fold` has them written, so nobody waits in a circle. SQLite lets one write at a time anyhow.
    """
    if connection.dialect.name == "postgresql":
        tables = ", ".join(f"{SCHEMA}.{name}" for name in sorted(record.table for record in records))
        connection.execute(text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))


def kept_of(connection: Connection, family: Aggregate, subjects: Collection[str]) -> dict[Place, Record]:
    """All rows of these subjects, whoever wrote them."""
    readings = sorted(reading for subject in subjects for reading in family.readings(subject))
    found: dict[Place, Record] = {}
    for record in family.records:
        columns = [metadata.tables[f"{SCHEMA}.{record.table}"].c[name] for name in family.about]
        for start in range(0, len(readings), KEYS_AT_ONCE):
            some = readings[start : start + KEYS_AT_ONCE]
            rows = connection.execute(select_records(record.table, among(columns, some))).mappings()
            found.update((place(row), row) for row in (record(**row) for row in rows))
    return found


def replace(connection: Connection, changes: Sequence[Change]) -> None:
    """Carry changes out: a row that differs goes and comes anew, and `changed_at` with it; others are not touched."""
    for table_name, some in groupby(changes, key=lambda change: change.table):
        its = list(some)
        if gone := [change.before for change in its if change.before]:
            table = metadata.tables[f"{SCHEMA}.{table_name}"]
            names = SHAPES[type(gone[0])].names(Join.KEY)
            condition = and_(*(table.c[name] == bindparam(f"its_{name}") for name in names))
            connection.execute(
                delete(table).where(condition), [{f"its_{n}": getattr(one, n) for n in names} for one in gone]
            )
        if come := [change.after for change in its if change.after]:
            upsert(connection, table_name, come)
