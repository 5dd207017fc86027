"""Dialects: the few expressions that named queries write differently for SQLite and PostgreSQL.

A template has `{s}` before a table. `{day[at]}` is the day of a time in UTC, `{date[at]}` the same to group by, and
`{text[date]}` such a date as text; `{seconds[until - since]}` and `{hours[until - since]}` are the time between two,
exact and in whole hours. `{s}links{by[ix_links_first_at]}` makes SQLite read a table through that index, where it would
read all of it in the order that grouping wants; PostgreSQL gets no hint. An alias goes before it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from store.schema import SCHEMA


class _Expression:
    """A template of an expression, which takes one name in brackets, or two as `A - B`."""

    def __init__(self, template: str) -> None:
        self._template = template

    def __getitem__(self, columns: str) -> str:
        until, _, since = columns.partition(" - ")
        return self._template.replace("?", until).replace("#", since)


_SINCE_1970 = "(CAST(strftime('%s', {0}) AS INTEGER) + CAST(substr({0}, 20, 7) AS REAL))"
"""SQLite's julianday() is exact to milliseconds only."""
_SQLITE_SECONDS = f"({_SINCE_1970.format('?')} - {_SINCE_1970.format('#')})"

DIALECTS: Mapping[str, Mapping[str, Any]] = {
    "postgresql": {
        "s": f"{SCHEMA}.",
        "by": _Expression(""),
        "day": _Expression("to_char(CAST(? AT TIME ZONE 'UTC' AS date), 'YYYY-MM-DD')"),
        "date": _Expression("CAST(? AT TIME ZONE 'UTC' AS date)"),
        "text": _Expression("to_char(?, 'YYYY-MM-DD')"),
        "seconds": _Expression("CAST(extract(epoch FROM ? - #) AS double precision)"),
        "hours": _Expression("CAST(floor(extract(epoch FROM ? - #) / 3600) AS bigint)"),
    },
    "sqlite": {
        "s": "",
        "by": _Expression(" INDEXED BY ?"),
        "day": _Expression("substr(?, 1, 10)"),
        "date": _Expression("substr(?, 1, 10)"),
        "text": _Expression("?"),
        "seconds": _Expression(_SQLITE_SECONDS),
        "hours": _Expression(f"CAST({_SQLITE_SECONDS} / 3600 AS INTEGER)"),
    },
}
"""For each database, what stands for a name in a template."""


def literal(value: Any, dialect: str) -> str:
    """A bound value as SQL."""
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    if isinstance(value, datetime):
        text = value.astimezone(UTC).isoformat(" ", "microseconds")  # as SQLite stores it
        return f"timestamptz '{text}'" if dialect == "postgresql" else f"'{text}'"
    doubled = str(value).replace("'", "''")
    return f"'{doubled}'"
