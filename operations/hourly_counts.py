"""Hourly counts: what happened in each hour of a span, by kind, read through one index.

Hours that are over hardly change: whoever shows many of them keeps those, and reads few.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    String,
    Table,
    and_,
    func,
    select,
)

from seven.events import EVENT_TYPES
from store.archive import first_id
from store.schema import SCHEMA, calls, deliveries, link_events, links
from store.types import Time

HOUR = timedelta(hours=1)
MOST = 500_000
"""Most deliveries, clicks or calls of a span that are counted: the latest."""
UNLABELLED = "without a label"
OTHER_TYPES = "other types"
"""Event types that are unknown: whoever has a hook token can send any text as one."""

_rates = Table(
    "delivery_rates",
    MetaData(schema=SCHEMA),
    Column("hour", Time),
    Column("result", String),
    Column("messages", BigInteger),
)

Counts = Mapping[datetime, Mapping[str, int]]
"""By the beginning of an hour, counts by kind; an hour in which nothing happened is left out."""
CountHours = Callable[[Connection, datetime, datetime], Counts]
"""Counts of the hours from a time, included, until a time; both are the beginning of an hour."""


def count_deliveries(connection: Connection, since: datetime, until: datetime) -> Counts:
    """Deliveries by event type, by when they were received."""
    c = deliveries.c
    rows = (
        select(_hour(connection, c.received_at), c.event_type.label("kind"))
        .where(c.id >= first_id(since), c.id < first_id(until))
        .order_by(c.id.desc())
    )
    return _known_types(_counted(connection, rows, OTHER_TYPES))


def count_messages(connection: Connection, since: datetime, until: datetime) -> Counts:
    """Messages by their result today, by when their first status was."""
    r = _rates.c
    query = (
        select(r.hour, r.result, func.sum(r.messages)).where(r.hour >= since, r.hour < until).group_by(r.hour, r.result)
    )
    return _by_hour(connection.execute(query), "unknown")


def count_clicks(connection: Connection, since: datetime, until: datetime) -> Counts:
    """Clicks by the label of their link, by when they were."""
    e = link_events.c
    same = and_(links.c.sms_id == e.sms_id, links.c.tracking_url == e.tracking_url)
    rows = (
        select(_hour(connection, e.at), links.c.label.label("kind"))
        .select_from(link_events)
        .outerjoin(links, same)
        .where(e.at >= since, e.at < until, e.type == "click")
        .order_by(e.at.desc())
    )
    return _counted(connection, rows, UNLABELLED)


def count_calls(connection: Connection, since: datetime, until: datetime) -> Counts:
    """Calls by direction, by when they began."""
    c = calls.c
    rows = (
        select(_hour(connection, c.started_at), c.direction.label("kind"))
        .where(c.started_at >= since, c.started_at < until)
        .order_by(c.started_at.desc())
    )
    return _counted(connection, rows, "unknown")


def _known_types(counts: Counts) -> Counts:
    known: dict[datetime, dict[str, int]] = {}
    for hour, by_type in counts.items():
        others = sum(number for name, number in by_type.items() if name not in EVENT_TYPES)
        known[hour] = {name: number for name, number in by_type.items() if name in EVENT_TYPES}
        known[hour] |= {OTHER_TYPES: others} if others else {}
    return known


def _hour(connection: Connection, time: ColumnElement[Any]) -> ColumnElement[Any]:
    """The hour of a time, as the database groups it fastest."""
    if connection.dialect.name == "sqlite":
        return func.substr(time, 1, 13, type_=String()).label("hour")
    return func.date_trunc("hour", time, "UTC", type_=Time()).label("hour")


def _counted(connection: Connection, rows: Select[Any], unnamed: str) -> Counts:
    bounded = rows.limit(MOST).subquery()
    query = select(bounded.c.hour, bounded.c.kind, func.count()).group_by(bounded.c.hour, bounded.c.kind)
    return _by_hour(connection.execute(query), unnamed)


def _by_hour(rows: Any, unnamed: str) -> Counts:
    counts: dict[datetime, dict[str, int]] = {}
    for stored, kind, number in rows:
        hour = stored if isinstance(stored, datetime) else datetime.fromisoformat(f"{stored}:00+00:00")
        of_hour = counts.setdefault(hour.astimezone(UTC), {})
        of_hour[kind or unnamed] = of_hour.get(kind or unnamed, 0) + int(number)
    return counts
