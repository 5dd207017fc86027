"""Row counts: recent and open rows of the store, by indexes and in bounded time, whatever its size.

The id of a delivery is a uuid7: a range of ids is a range of time. Every count has an upper bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, func, literal_column, select

from seven.journal import JOURNAL
from store.archive import first_id
from store.schema import (
    NOT_APPLIED,
    OPEN_OUTCOMES,
    calls,
    deliveries,
    hook_changes,
    inbound_messages,
    links,
    messages,
    missed_webhooks,
)

MOST_COUNTED = 100_000
"""The upper bound of every count."""
MOST_REASONS = 1000
"""The number of newest deliveries whose reasons are counted."""
LOOKS_BACK = timedelta(hours=1)

_RECORDS = (messages, calls, inbound_messages, links)


@dataclass(frozen=True, slots=True)
class OpenDeliveries:
    """The deliveries of one outcome that an operator has to handle."""

    outcome: str
    count: int
    """At most MOST_COUNTED."""
    recent: int
    """Those received in the last hour."""
    recent_known: int
    """Those of `recent` with a known event type: a field was missing or wrong."""
    since: datetime | None
    """When the oldest was received; None if unknown."""
    reasons: tuple[tuple[str, int], ...]
    """Of the newest MOST_REASONS, the most frequent first."""


JOURNAL_LOOKS_BACK = timedelta(days=8)
"""How far back webhooks that never came are counted."""


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Open deliveries, and what is new in the last hour; each count is at most MOST_COUNTED."""

    received: Mapping[str, int]
    """Deliveries of the last hour by event type, or `unknown`."""
    received_before: Mapping[str, int]
    """Those of the same hour a day ago, for comparison: traffic depends on the time of day."""
    open: tuple[OpenDeliveries, ...]
    changed: Mapping[str, int]
    """Rows that changed in the last hour, by table."""
    hook_changes: Mapping[str, int]
    """Those of the last hour, by action."""
    missed_webhooks: Mapping[str, int]
    """What did not come of the last days, by state."""


def count_rows(connection: Connection, now: datetime, known: frozenset[str]) -> RowCounts:
    """Count. `known`: the known event types."""
    since = now - LOOKS_BACK
    yesterday = timedelta(days=1)
    return RowCounts(
        received=_received(connection, since, now),
        received_before=_received(connection, since - yesterday, now - yesterday),
        open=tuple(
            deliveries_open
            for outcome in reversed(OPEN_OUTCOMES)
            if (deliveries_open := _open(connection, outcome, since, known)).count
        ),
        changed={
            table.name: _count(connection, select(literal_column("1")).where(table.c.changed_at >= since))
            for table in _RECORDS
        },
        missed_webhooks=_by(
            connection, missed_webhooks.c.state, missed_webhooks.c.journal_at >= now - JOURNAL_LOOKS_BACK
        ),
        hook_changes=_by(connection, hook_changes.c.action, hook_changes.c.id >= first_id(since)),
    )


def _by(connection: Connection, column: Column[Any], condition: ColumnElement[bool]) -> Mapping[str, int]:
    """Rows by the value of a column."""
    query = select(column, func.count()).where(condition).group_by(column)
    return {value or "": count for value, count in connection.execute(query)}


def _received(connection: Connection, since: datetime, until: datetime) -> Mapping[str, int]:
    c = deliveries.c
    received = (
        select(c.event_type)
        .where(c.id >= first_id(since), c.id < first_id(until), c.request_method.is_distinct_from(JOURNAL))
        .order_by(c.id.desc())
        .limit(MOST_COUNTED)
        .subquery()
    )
    query = select(received.c.event_type, func.count()).group_by(received.c.event_type)
    return {event_type or "unknown": count for event_type, count in connection.execute(query)}


def _open(connection: Connection, outcome: str, since: datetime, known: frozenset[str]) -> OpenDeliveries:
    c = deliveries.c
    matches = (NOT_APPLIED, c.outcome == outcome)
    newest = select(c.reason, c.event_type, c.id).where(*matches).order_by(c.id.desc()).limit(MOST_REASONS).subquery()
    reason = func.coalesce(newest.c.reason, "")
    reasons = connection.execute(
        select(reason, func.count()).group_by(reason).order_by(func.count().desc(), reason).limit(3)
    )
    recent = newest.c.id >= first_id(since)
    return OpenDeliveries(
        outcome=outcome,
        count=_count(connection, select(c.id).where(*matches)),
        recent=_count(connection, select(c.id).where(*matches, c.id >= first_id(since))),
        recent_known=_count(connection, select(newest.c.id).where(recent, newest.c.event_type.in_(known))),
        since=connection.execute(select(c.received_at).where(*matches).order_by(c.id).limit(1)).scalar(),
        reasons=tuple((text, count) for text, count in reasons),
    )


def _count(connection: Connection, query: Select[tuple[object]]) -> int:
    return connection.execute(select(func.count()).select_from(query.limit(MOST_COUNTED).subquery())).scalar_one()
