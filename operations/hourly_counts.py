"""Hourly counts: what happened in one hour, by kind, read through one index.

An hour that is over hardly changes: a caller that shows many of them keeps those, and reads few.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
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
from seven.journal import JOURNAL
from store.archive import first_id
from store.schema import SCHEMA, calls, deliveries, link_events, links, messages, sent_messages
from store.types import Time

HOUR = timedelta(hours=1)
MOST = 200_000
"""Most deliveries, sent messages, clicks or calls of an hour that are counted; of more, that many."""
UNLABELLED = "without a label"
NO_REPORT = "no report"
"""Sent messages of which no status is known."""
OTHER_TYPES = "other types"
"""Event types that are unknown: anyone with a hook token can send any text as one."""

_rates = Table(
    "delivery_rates",
    MetaData(schema=SCHEMA),
    Column("hour", Time),
    Column("result", String),
    Column("messages", BigInteger),
)

Counts = Mapping[str, int]
"""By kind."""
CountHour = Callable[[Connection, datetime], Counts]
"""Counts of the hour that begins at a time."""


def count_deliveries(connection: Connection, hour: datetime) -> Counts:
    """Deliveries of the gateway by event type, by when they were received."""
    c = deliveries.c
    in_hour = and_(c.id >= first_id(hour), c.id < first_id(hour + HOUR), c.request_method.is_distinct_from(JOURNAL))
    rows = select(c.event_type.label("kind")).where(in_hour)
    counts = _counted(connection, rows, OTHER_TYPES)
    others = sum(number for event_type, number in counts.items() if event_type not in EVENT_TYPES)
    known = {event_type: number for event_type, number in counts.items() if event_type in EVENT_TYPES}
    return known | ({OTHER_TYPES: others} if others else {})


def count_messages(connection: Connection, hour: datetime) -> Counts:
    """Messages by their result today, by when their first status was."""
    r = _rates.c
    query = select(r.result, func.sum(r.messages)).where(r.hour == hour).group_by(r.result)
    return _named(connection.execute(query), "unknown")


def count_sent(connection: Connection, hour: datetime) -> Counts:
    """Sent messages by their result today, by when they were sent; none where what was sent is not kept."""
    c = sent_messages.c
    rows = (
        select(messages.c.result.label("kind"))
        .select_from(sent_messages)
        .outerjoin(messages, messages.c.msg_id == c.msg_id)
        .where(c.sent_at >= hour, c.sent_at < hour + HOUR)
    )
    return _counted(connection, rows, NO_REPORT)


def count_clicks(connection: Connection, hour: datetime) -> Counts:
    """Clicks by the label of their link, by when they were."""
    e = link_events.c
    same = and_(links.c.sms_id == e.sms_id, links.c.tracking_url == e.tracking_url)
    rows = (
        select(links.c.label.label("kind"))
        .select_from(link_events)
        .outerjoin(links, same)
        .where(e.at >= hour, e.at < hour + HOUR, e.type == "click")
    )
    return _counted(connection, rows, UNLABELLED)


def count_calls(connection: Connection, hour: datetime) -> Counts:
    """Calls by direction, by when they began."""
    c = calls.c
    rows = select(c.direction.label("kind")).where(c.started_at >= hour, c.started_at < hour + HOUR)
    return _counted(connection, rows, "unknown")


def _counted(connection: Connection, rows: Select[Any], unnamed: str) -> Counts:
    bounded = rows.limit(MOST).subquery()
    query = select(bounded.c.kind, func.count()).group_by(bounded.c.kind)
    return _named(connection.execute(query), unnamed)


def _named(rows: Iterable[Any], unnamed: str) -> Counts:
    counts: dict[str, int] = {}
    for kind, number in rows:
        counts[kind or unnamed] = counts.get(kind or unnamed, 0) + int(number)
    return counts
