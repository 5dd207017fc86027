"""Standing changes: rows as they stand, noted for one subscriber that asks for what was before it began.

A row that changes meanwhile is left out: its writer notes it, since the subscriber has begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, func, insert, literal, select, tuple_

from seven.changes import WATCHES
from store.schema import SCHEMA, changes, metadata

ROWS_AT_ONCE = 500
SINCE = {"link_events": "at", "missed_webhooks": "found_at"}
"""The time of a row, where it has no `changed_at`."""

Position = tuple[Any, ...]
"""A row's time, and its key."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for rows as they stand."""

    reaction: str
    topics: frozenset[str]
    since: datetime
    until: datetime
    """When they asked, by the database's clock: what changes later is noted by its writer."""


def watched_tables(topics: frozenset[str]) -> list[str]:
    """The tables that these topics are about."""
    return [name for name, watch in WATCHES.items() if watch.topics & topics]


def note_standing(
    connection: Connection, now: datetime, request: Request, table_name: str, after: Position | None = None
) -> tuple[int, Position | None]:
    """Note the next rows of a table that changed within that time, after this position, for one subscriber alone.

    Returns how many rows those were, and the position of the last one, None at the end. The rows are locked, so that
    a later change of one has a higher number.
    """
    table, watch = _table(table_name), WATCHES[table_name]
    time = _time(table)
    position = [time, *table.primary_key]
    query = (
        select(*position, *(table.c[name] for name in watch.columns if name != time.name))
        .where(*_asked_for(request, time))
        .order_by(*position)
        .limit(ROWS_AT_ONCE)
        .with_for_update(key_share=True)
    )
    if after is not None:
        values = [literal(value, column.type) for column, value in zip(position, after, strict=True)]
        query = query.where(time >= values[0], tuple_(*position) > tuple_(*values))  # the first is for the index
    rows: Sequence[Any] = connection.execute(query).mappings().all()
    standing = [change for row in rows for change in watch.compare(None, row) if change.topic in request.topics]
    if standing:
        is_file = connection.dialect.name == "sqlite"
        common = {
            "noted_at": now,
            "reaction": request.reaction,
            "any_age": True,
            "fanned_out_at": now if is_file else None,
        }
        names = ("topic", "key", "was", "now", "at")
        connection.execute(
            insert(changes), [{name: getattr(change, name) for name in names} | common for change in standing]
        )
    is_last = len(rows) < ROWS_AT_ONCE
    return len(rows), None if is_last else tuple(rows[-1][column.name] for column in position)


def count_standing(connection: Connection, request: Request) -> int:
    """How many rows of the tables of its topics changed within that time."""
    total = 0
    for name in watched_tables(request.topics):
        table = _table(name)
        query = select(func.count()).select_from(table).where(*_asked_for(request, _time(table)))
        total += connection.execute(query).scalar_one()
    return total


def _table(name: str) -> Table:
    return metadata.tables[f"{SCHEMA}.{name}"]


def _time(table: Table) -> Column[Any]:
    return table.c[SINCE.get(table.name, "changed_at")]


def _asked_for(request: Request, time: Column[Any]) -> tuple[ColumnElement[bool], ...]:
    return time >= request.since, time < request.until
