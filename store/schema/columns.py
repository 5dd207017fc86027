"""Columns: what the tables of the schema are built from. Every table, column and index says what it is for."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Index, MetaData, TextClause, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from store.types import CodePointText, Time

SCHEMA = "seven"

HOUR = {
    # of built-in functions that PostgreSQL calls immutable: an index on it needs no function of ours
    "postgresql": "(date_trunc('hour', {0} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')",
    "sqlite": "substr({0}, 1, 13) || ':00:00.000000+00:00'",
}
"""The hour of a time, in each dialect. An index serves it, so a change of the words needs a new index."""

DAY = {"postgresql": "CAST({0} AT TIME ZONE 'UTC' AS date)", "sqlite": "substr({0}, 1, 10)"}
"""The day of a time in UTC. A change needs a migration of the views."""

_SINCE_1970 = "(CAST(strftime('%s', {0}) AS INTEGER) + CAST(substr({0}, 20, 7) AS REAL))"
"""SQLite's julianday() is exact to milliseconds only."""
SECONDS = {
    "postgresql": "CAST(extract(epoch FROM {0} - {1}) AS double precision)",
    "sqlite": f"({_SINCE_1970} - {_SINCE_1970.replace('{0}', '{1}')})",
}
"""The seconds from the second of two times to the first, exact. A change needs a migration of the views."""

ANY_CASE_FOREIGN_ID = func.lower(literal_column("foreign_id"))
"""As an index has it: lower() changes ASCII letters alone."""

metadata = MetaData(schema=SCHEMA)


class hour_of(FunctionElement[Any]):  # noqa: N801 - written as a function is
    """The hour of a column with a time."""

    inherit_cache = True


@compiles(hour_of)
def _hour_of(element: hour_of, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = element.clauses
    return HOUR[compiler.dialect.name].format(compiler.process(column, **options))


def key(name: str, comment: str, kind: Any = CodePointText) -> Column[Any]:
    """A column of the primary key."""
    return Column(name, kind, primary_key=True, autoincrement=False, comment=comment)


def column(name: str, kind: Any, comment: str) -> Column[Any]:
    """A column that may be NULL: unknown, or blanked."""
    return Column(name, kind, comment=comment)


def column_with_default(name: str, kind: Any, default: str, comment: str) -> Column[Any]:
    """A column that has this value in rows of earlier versions."""
    return Column(name, kind, server_default=default, comment=comment)


def changed_at() -> Column[Any]:
    """The one column that is no join."""
    return Column(
        "changed_at",
        Time,
        nullable=False,
        comment="The database's time of the last change that made a difference: read what is new by it (docs/react.md)",
    )


def undated(of: str) -> Column[Any]:
    """Whether the gateway reported no time, so that the time is that of the earliest report."""
    return column("undated", Boolean, f"Whether {of} came without a time, and has that of its earliest report")


def journal_only() -> Column[Any]:
    """Whether no webhook came: all that is known was read from the gateway's journal."""
    return column("journal_only", Boolean, "True where no webhook came: what is known is from the gateway's journal")


def undated_entry() -> Column[Any]:
    """The same in a history."""
    return column(
        "undated",
        Boolean,
        "NULL: reported with this time; true: without a time, this is that of the earliest report; false: both",
    )


def index(
    name: str, columns: Iterable[str | ColumnElement[Any]], reader: str, where: TextClause | None = None
) -> Index:
    """An index. `reader` names the queries that it is for, and what it costs where that was measured."""
    return Index(name, *columns, info={"comment": reader}, postgresql_where=where, sqlite_where=where)
