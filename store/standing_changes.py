"""Standing changes: rows as they stand, noted for one subscriber that asks for what was before it began.

A row whose standing moves meanwhile is noted by its writer as well: both changes have the same id. One that is only
written meanwhile, blanked for instance, or with an id that is learnt later, is noted by nobody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, func, literal, or_, select, tuple_

from seven.changes import WATCHES
from store.change_rows import insert_handed_out
from store.rows_by_keys import key_values, select_by_keys
from store.schema import SCHEMA, metadata

ROWS_AT_ONCE = 500
SINCE = {"link_events": "at", "missed_webhooks": "found_at"}
"""The time of a row, where it has no `changed_at`. It never moves."""
HAPPENED = {"messages": "status_at", "inbound_messages": "sent_at", "calls": "started_at", "opt_outs": "since"}
"""The time of what a row is about, where it has `changed_at`; NULL where the gateway gave none."""
CHANGE_ONCE = frozenset(("inbound_messages",))
"""Tables whose rows are a change only as they arrive. Later, retention and `forget` give them another `changed_at`."""

Position = tuple[Any, ...]
"""A row's time, and its key."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for rows as they stand."""

    reaction: str
    topics: frozenset[str]
    since: datetime
    until: datetime
    """When they asked, by the database's clock: what happens later is noted by its writer."""


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
    time, keys = _time(table), list(table.primary_key)
    position = [time, *keys]
    query = select(*position).where(*_asked_for(request, table)).order_by(*position).limit(ROWS_AT_ONCE)
    if after is not None:
        values = [literal(value, column.type) for column, value in zip(position, after, strict=True)]
        query = query.where(time >= values[0], tuple_(*position) > tuple_(*values))  # the first is for the index
    page = [tuple(row) for row in connection.execute(query)]
    # not locked above: a row that was written meanwhile would have its new time there, and the rest be left out
    rows = _locked(connection, table, [row[1:] for row in page]) if page else ()
    standing = [change for row in rows for change in watch.compare(None, row) if change.topic in request.topics]
    own = {"reaction": request.reaction, "any_age": True}
    insert_handed_out(connection, (change._asdict() | own for change in standing), now)
    return len(page), page[-1] if len(page) == ROWS_AT_ONCE else None


def count_standing(connection: Connection, request: Request) -> int:
    """How many rows of the tables of its topics changed within that time."""
    total = 0
    for name in watched_tables(request.topics):
        table = _table(name)
        query = select(func.count()).select_from(table).where(*_asked_for(request, table))
        total += connection.execute(query).scalar_one()
    return total


def _table(name: str) -> Table:
    return metadata.tables[f"{SCHEMA}.{name}"]


def _time(table: Table) -> Column[Any]:
    return table.c[SINCE.get(table.name, "changed_at")]


def _locked(connection: Connection, table: Table, keys: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
    """Rows by their keys, as they stand until this transaction ends; locked in the order in which writers lock them."""
    columns, dialect = list(table.primary_key), connection.dialect.name
    compared = [*columns, *(table.c[name] for name in WATCHES[table.name].columns)]
    query = select_by_keys(columns, compared, dialect).order_by(*columns).with_for_update(of=table, key_share=True)
    return connection.execute(query, key_values([column.name for column in columns], keys, dialect)).all()


def _asked_for(request: Request, table: Table) -> tuple[ColumnElement[bool], ...]:
    time = _time(table)
    if table.name not in HAPPENED:
        return time >= request.since, time < request.until
    happened = table.c[HAPPENED[table.name]]
    conditions = time >= request.since, or_(time < request.until, happened.is_(None), happened < request.until)
    if table.name in CHANGE_ONCE:
        return *conditions, or_(happened.is_(None), happened >= request.since)
    return conditions
