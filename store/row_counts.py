"""Glancing: how the store stands, by its indexes and in bounded time, however many millions of rows it has.

The id of a delivery is a uuid7: a range of ids is a range of time. What is counted is counted up to a bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, func, literal_column, select

from store.schema import calls, deliveries, hook_changes, inbound_messages, links, messages

MOST_COUNTED = 100_000
"""Beyond it there are more, and no matter how many."""
MOST_REASONS = 1000
"""Of the newest so many the reasons are told."""
OPEN = ("dead", "quarantined", "parked")
LOOKS_BACK = timedelta(hours=1)

_not_applied = deliveries.c.outcome != literal_column("'applied'")  # spelled as in the index that knows the few
_RECORDS = (messages, calls, inbound_messages, links)


@dataclass(frozen=True, slots=True)
class Open:
    """The deliveries of one outcome that wait for somebody to look."""

    outcome: str
    count: int
    """At most MOST_COUNTED."""
    recent: int
    """Of those, how many were received in the last hour."""
    recent_known: int
    """Of those, how many are of an event type that is known: something in it was missing or wrong."""
    since: datetime | None
    """When the oldest was received; None where that is not known."""
    reasons: tuple[tuple[str, int], ...]
    """Of the newest MOST_REASONS, the most frequent first."""


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How the store stands, and what is new in the last hour; each count is at most MOST_COUNTED."""

    received: Mapping[str, int]
    """Deliveries of the last hour by event type, or `unknown`."""
    received_before: Mapping[str, int]
    """Those of the same hour a day ago, by what to compare with: a business sleeps at night."""
    open: tuple[Open, ...]
    changed: Mapping[str, int]
    """By table, rows that changed in the last hour."""
    hook_changes: Mapping[str, int]
    """By action, of the last hour."""


def count_rows(connection: Connection, now: datetime, known: frozenset[str]) -> RowCounts:
    """Look. `known` are the event types that are understood."""
    since = now - LOOKS_BACK
    yesterday = timedelta(days=1)
    return RowCounts(
        received=_received(connection, since, now),
        received_before=_received(connection, since - yesterday, now - yesterday),
        open=tuple(found for outcome in OPEN if (found := _open(connection, outcome, since, known)).count),
        changed={
            table.name: _count(connection, select(literal_column("1")).where(table.c.changed_at >= since))
            for table in _RECORDS
        },
        hook_changes=_by(connection, hook_changes.c.action, hook_changes.c.id >= least_id(since)),
    )


def least_id(at: datetime) -> str:
    """What no uuid7 made then or later is less than."""
    milliseconds = f"{int(at.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"


def _by(connection: Connection, column: Column[Any], condition: ColumnElement[bool]) -> Mapping[str, int]:
    """Rows by what is in a column."""
    query = select(column, func.count()).where(condition).group_by(column)
    return {told or "": n for told, n in connection.execute(query)}


def _received(connection: Connection, since: datetime, until: datetime) -> Mapping[str, int]:
    c = deliveries.c
    some = (
        select(c.event_type)
        .where(c.id >= least_id(since), c.id < least_id(until))
        .order_by(c.id.desc())
        .limit(MOST_COUNTED)
        .subquery()
    )
    query = select(some.c.event_type, func.count()).group_by(some.c.event_type)
    return {event_type or "unknown": n for event_type, n in connection.execute(query)}


def _open(connection: Connection, outcome: str, since: datetime, known: frozenset[str]) -> Open:
    c = deliveries.c
    of_it = (_not_applied, c.outcome == outcome)
    newest = select(c.reason, c.event_type, c.id).where(*of_it).order_by(c.id.desc()).limit(MOST_REASONS).subquery()
    reason = func.coalesce(newest.c.reason, "")
    reasons = connection.execute(
        select(reason, func.count()).group_by(reason).order_by(func.count().desc(), reason).limit(3)
    )
    recent = newest.c.id >= least_id(since)
    return Open(
        outcome=outcome,
        count=_count(connection, select(c.id).where(*of_it)),
        recent=_count(connection, select(c.id).where(*of_it, c.id >= least_id(since))),
        recent_known=_count(connection, select(newest.c.id).where(recent, newest.c.event_type.in_(known))),
        since=connection.execute(select(c.received_at).where(*of_it).order_by(c.id).limit(1)).scalar(),
        reasons=tuple((told, n) for told, n in reasons),
    )


def _count(connection: Connection, query: Select[tuple[object]]) -> int:
    return connection.execute(select(func.count()).select_from(query.limit(MOST_COUNTED).subquery())).scalar_one()
