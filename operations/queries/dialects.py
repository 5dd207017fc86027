"""Dialects: the few expressions that named queries write differently for SQLite and PostgreSQL.

A template has `{s}` before a table. `{day[at]}` is the day of a time in UTC, `{date[at]}` the same to group by, and
`{text[date]}` such a date as text; `{seconds[until - since]}` and `{hours[until - since]}` are the time between two,
exact and in whole hours. `{s}links{by[ix_links_first_at]}` makes SQLite read a table through that index, where it would
read all of it in the order that grouping wants; PostgreSQL gets no hint. An alias goes before it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from store.schema.columns import DAY, SCHEMA, SECONDS


class _Expression:
    """A template of an expression, which takes one name in brackets, or two as `A - B`."""

    def __init__(self, template: str) -> None:
        self._template = template

    def __getitem__(self, columns: str) -> str:
        until, _, since = columns.partition(" - ")
        return self._template.format(until, since)


DIALECTS: Mapping[str, Mapping[str, Any]] = {
    "postgresql": {
        "s": f"{SCHEMA}.",
        "by": _Expression(""),
        "day": _Expression(f"to_char({DAY['postgresql']}, 'YYYY-MM-DD')"),
        "date": _Expression(DAY["postgresql"]),
        "text": _Expression("to_char({0}, 'YYYY-MM-DD')"),
        "seconds": _Expression(SECONDS["postgresql"]),
        "hours": _Expression("CAST(floor(extract(epoch FROM {0} - {1}) / 3600) AS bigint)"),
    },
    "sqlite": {
        "s": "",
        "by": _Expression(" INDEXED BY {0}"),
        "day": _Expression(DAY["sqlite"]),
        "date": _Expression(DAY["sqlite"]),
        "text": _Expression("{0}"),
        "seconds": _Expression(SECONDS["sqlite"]),
        "hours": _Expression(f"CAST({SECONDS['sqlite']} / 3600 AS INTEGER)"),
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
