"""Upsert: the joins of `seven/joins.py` as SQL, in `ON CONFLICT`, the same for SQLite and PostgreSQL.

Each column has its own expression, because one `WHERE` over the whole row is no join: with NULLs and further columns
its result depends on the order. The `WHERE` here only skips rows that would not change.

PostgreSQL takes the rows of a statement as one array per column, which is several times as fast as a statement per row;
SQLite, in the same process, gains nothing from that. Its rows bypass SQLAlchemy, which would take as long per row as
SQLite itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import repeat
from typing import Any, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Insert,
    MetaData,
    RowMapping,
    and_,
    bindparam,
    case,
    column,
    false,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from seven.histories import is_undated
from seven.joins import FieldJoin, Join
from seven.record import JOINS, Record
from seven.records import RECORD_BY_TABLE, OptOut
from store.histories import keep_earliest
from store.opt_outs import settle_standings
from store.schema import SCHEMA, metadata

Value = ColumnElement[Any]

NOW: dict[str, Value] = {
    "postgresql": func.clock_timestamp(),
    "sqlite": literal_column("strftime('%Y-%m-%d %H:%M:%f', 'now') || '000+00:00'"),
}
"""The database's own clock; SQLite's has milliseconds, PostgreSQL's microseconds."""

INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}  # the two share no typed base
_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # the library's
_SQLITE: Dialect = sqlite.dialect()


def upsert(connection: Connection, table_name: str, records: Iterable[Record]) -> None:
    """Merge records into their table, in the current transaction. Their keys must be distinct."""
    rows = list(records)
    columns = _columns(table_name, rows)
    if connection.dialect.name == "postgresql":
        connection.execute(_statement(table_name, "postgresql"), columns)
    else:
        connection.exec_driver_sql(*_for_sqlite(table_name, columns))
    if undated := [row for row in rows if is_undated(row)]:
        keep_earliest(connection, table_name, undated)
    if standings := [row for row in rows if isinstance(row, OptOut)]:
        settle_standings(connection, standings, NOW[connection.dialect.name])


def upsert_returning(
    connection: Connection, table_name: str, records: Sequence[Record], names: Sequence[str]
) -> Sequence[RowMapping]:
    """Merge records into their table on PostgreSQL; returns these columns of each row added or changed.

    Beside them `is_new`: whether the row was added, and so has no `xmax`. A partitioned table cannot return that.
    """
    columns = _columns(table_name, records)
    return connection.execute(_returning(table_name, tuple(names)), columns).mappings().all()


def _columns(table_name: str, records: Sequence[Record]) -> dict[str, list[Any]]:
    """The values of each field."""
    names = JOINS[RECORD_BY_TABLE[table_name]].field_joins
    return {name: [getattr(record, name) for record in records] for name in names}


@cache
def _returning(table_name: str, names: Sequence[str]) -> Executable:
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    is_new: ColumnElement[bool] = literal_column("xmax = 0").label("is_new")
    return cast("Insert", _statement(table_name, "postgresql")).returning(*(table.c[name] for name in names), is_new)


@cache
def _statement(table_name: str, dialect: str) -> Executable:
    record = RECORD_BY_TABLE[table_name]
    joins = JOINS[record]
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    if dialect == "sqlite":
        table = table.to_metadata(MetaData(), schema=None)  # type: ignore[arg-type] # its annotation lacks what it documents
    names = list(joins.field_joins)
    if dialect == "postgresql":
        rows = array_rows([table.c[name] for name in names])
        stamp = [NOW[dialect]] if record.tracks_changes else []
        targets = [*names, *(["changed_at"] if record.tracks_changes else [])]
        insert = INSERT[dialect](table).from_select(targets, select(*rows, *stamp), include_defaults=False)
    else:
        values: dict[str, Any] = {name: bindparam(name, type_=table.c[name].type) for name in names}
        insert = INSERT[dialect](table).values(values | ({"changed_at": NOW[dialect]} if record.tracks_changes else {}))
    key = [table.c[name] for name in joins.names(Join.KEY)]
    changes: list[Value] = []
    joined: dict[str, Any] = {}

    def join(name: str, condition: Value) -> None:
        joined[name] = case((condition, insert.excluded[name]), else_=table.c[name])

    for name in joins.names(Join.EVIDENCE):
        changes.append(insert.excluded[name].is_distinct_from(table.c[name]))
        joined[name] = case((changes[-1], false()), else_=table.c[name])
    for name in joins.names(Join.UNANIMOUS):
        changes.append(and_(table.c[name].is_not(None), insert.excluded[name].is_distinct_from(table.c[name])))
        joined[name] = case((changes[-1], null()), else_=table.c[name])
    for name in joins.names(Join.GREATEST):
        changes.append(_above(insert.excluded[name], table.c[name], joins.field_joins[name]))
        join(name, changes[-1])
    for name in joins.names(Join.EARLIEST):
        changes.append(_earlier(insert.excluded, table.c, name, joins.field_joins[name]))
        join(name, changes[-1])
    if standing := joins.names(Join.STANDING):
        changes.append(_later(joins.standing_order, insert.excluded, table.c))
        for name in standing:
            join(name, changes[-1])
    if not joined:
        return cast("Executable", insert.on_conflict_do_nothing(index_elements=key))
    if record.tracks_changes:
        joined["changed_at"] = NOW[dialect]
    return cast("Executable", insert.on_conflict_do_update(index_elements=key, set_=joined, where=or_(*changes)))


def _for_sqlite(table_name: str, columns: Mapping[str, list[Any]]) -> tuple[str, list[tuple[Any, ...]]]:
    """The statement as text, and its parameters for each row, in the order of the question marks."""
    statement, table = _compiled(table_name), metadata.tables[f"{SCHEMA}.{table_name}"]
    bound: list[Iterable[Any]] = []
    for name in statement.positiontup or ():
        if name in columns:
            process = table.c[name].type.bind_processor(_SQLITE)
            bound.append(map(process, columns[name]) if process else columns[name])
        else:
            bound.append(repeat(statement.params[name]))
    return str(statement), list(zip(*bound, strict=False))


@cache
def _compiled(table_name: str) -> SQLCompiler:
    return cast("Insert", _statement(table_name, "sqlite")).compile(dialect=_SQLITE)


def array_rows(columns: Sequence[Column[Any]], prefix: str = "") -> list[Any]:
    """The columns of a derived table, built from one array per column: its parameter is the column's name, prefixed."""
    kinds = {source.name: _plain(source.type) for source in columns}
    arrays = (bindparam(f"{prefix}{name}", type_=postgresql.ARRAY(kind)) for name, kind in kinds.items())
    derived = func.unnest(*arrays).table_valued(*(column(name, kind) for name, kind in kinds.items()))
    return list(derived.render_derived(name="incoming").c)


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """PostgreSQL's own type, without the conversion of each value by our types, which it does not need."""
    return kind.load_dialect_impl(_POSTGRESQL) if isinstance(kind, TypeDecorator) else kind


def _sort_key(value: Value, declared: FieldJoin) -> Value:
    if not declared.order:
        return value
    return case(*((value == word, sort_key) for sort_key, word in enumerate(declared.order)), else_=None)


def _above(new: Value, stored: Value, declared: FieldJoin) -> Value:
    return and_(new.is_not(None), or_(stored.is_(None), _sort_key(new, declared) > _sort_key(stored, declared)))


def _before(new: Value, stored: Value) -> Value:
    return and_(new.is_not(None), or_(stored.is_(None), new < stored))


def _earlier(new: Any, stored: Any, name: str, declared: FieldJoin) -> Value:
    """Whether the new value of a field that keeps the earliest replaces the stored one."""
    before = _before(new[name], stored[name])
    if not declared.unless:
        return before
    new_doubt, stored_doubt = (row[declared.unless].is_(true()) for row in (new, stored))
    resolved = and_(stored_doubt, not_(new_doubt), new[name].is_distinct_from(stored[name]))
    return or_(resolved, and_(new_doubt == stored_doubt, before))


def _later(standing_order: Sequence[tuple[str, FieldJoin]], new: Any, stored: Any) -> Value:
    """Whether the new standing is above the stored one: the first difference decides."""
    later: Value = false()
    for name, declared in reversed(standing_order):
        ours, theirs = (_compared(row, name, declared) for row in (new, stored))
        above = _before if declared.lowest else partial(_above, declared=declared)
        later = or_(above(ours, theirs), and_(ours.is_not_distinct_from(theirs), later))
    return later


def _compared(row: Any, name: str, declared: FieldJoin) -> Value:
    return case((row[declared.unless].is_(true()), null()), else_=row[name]) if declared.unless else row[name]
