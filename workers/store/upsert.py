"""Upsert: the joins of `seven/joins.py` as SQL, in `ON CONFLICT`, the same for SQLite and PostgreSQL.

Each column has its own expression, because one `WHERE` over the whole row is no join: with NULLs and further columns
its result depends on the order. The `WHERE` here only leaves a row alone that would not change.
"""

from functools import cache
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Executable, and_, bindparam, case, false, func, literal_column, or_
from sqlalchemy.dialects import postgresql, sqlite

from seven.joins import Declared, Join
from seven.records import RECORDS, SHAPES, Record
from workers.store.tables import SCHEMA, metadata

Value = ColumnElement[Any]

NOW: dict[str, Value] = {
    "postgresql": func.clock_timestamp(),
    "sqlite": literal_column("strftime('%Y-%m-%d %H:%M:%f', 'now') || '000+00:00'"),
}
"""The database's own clock, in microseconds where it has them."""

INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}  # the two share no typed base
_BY_TABLE = {record.table: record for record in RECORDS}


def parameters(record: Record) -> dict[str, Any]:
    """What `upsert` takes for one record."""
    return {name: getattr(record, name) for name in SHAPES[type(record)].declared}


@cache
def upsert(table_name: str, dialect: str) -> Executable:
    """The statement that joins a record into its table."""
    record = _BY_TABLE[table_name]
    shape = SHAPES[record]
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    values: dict[str, Any] = {name: bindparam(name, type_=table.c[name].type) for name in shape.declared}
    if record.tracks_changes:
        values["changed_at"] = NOW[dialect]
    insert = INSERT[dialect](table).values(values)
    key = [table.c[name] for name in shape.names(Join.KEY)]
    changes: list[Value] = []
    joined: dict[str, Any] = {}

    def join(name: str, prevails: Value) -> None:
        joined[name] = case((prevails, insert.excluded[name]), else_=table.c[name])

    for name in shape.names(Join.GREATEST):
        changes.append(_above(insert.excluded[name], table.c[name], shape.declared[name]))
        join(name, changes[-1])
    for name in shape.names(Join.EARLIEST):
        changes.append(_before(insert.excluded[name], table.c[name]))
        join(name, changes[-1])
    if standing := shape.names(Join.STANDING):
        changes.append(_later({name: shape.declared[name] for name in standing}, insert.excluded, table.c))
        for name in standing:
            join(name, changes[-1])
    if not joined:
        return cast("Executable", insert.on_conflict_do_nothing(index_elements=key))
    if record.tracks_changes:
        joined["changed_at"] = NOW[dialect]
    return cast("Executable", insert.on_conflict_do_update(index_elements=key, set_=joined, where=or_(*changes)))


def _height(column: Column[Any], declared: Declared) -> Value:
    if not declared.order:
        return column
    return case(*((column == word, height) for height, word in enumerate(declared.order)), else_=None)


def _above(told: Column[Any], kept: Column[Any], declared: Declared) -> Value:
    return and_(told.is_not(None), or_(kept.is_(None), _height(told, declared) > _height(kept, declared)))


def _before(told: Column[Any], kept: Column[Any]) -> Value:
    return and_(told.is_not(None), or_(kept.is_(None), told < kept))


def _later(standing: dict[str, Declared], told: Any, kept: Any) -> Value:
    """Whether the told standing is above the kept one: decided by the first column that differs."""
    later: Value = false()
    for name, declared in reversed(standing.items()):
        later = or_(_above(told[name], kept[name], declared), and_(told[name].is_not_distinct_from(kept[name]), later))
    return later
