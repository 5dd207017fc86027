"""Trace: everything that the database holds on one id, read through indexes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, or_, select

from store.schema import (
    call_statuses,
    calls,
    deliveries,
    inbound_messages,
    link_events,
    links,
    message_statuses,
    messages,
)

Row = dict[str, Any]

DIRECTIONS = ("inbound", "outbound")  # of calls
MOST_RECORDS = 100
MOST_DELIVERIES = 1000
LATEST = 20

_SHOWN = (
    deliveries.c.id, deliveries.c.received_at, deliveries.c.event_type, deliveries.c.request_method,
    deliveries.c.subject, deliveries.c.outcome, deliveries.c.reason, deliveries.c.remark,
    deliveries.c.event_at, deliveries.c.applied_at,
)  # fmt: skip


@dataclass(slots=True)
class Story:
    """Everything known of one id; each record includes its history. Its fields are keys of `trace --json`."""

    id: str
    delivery: Row | None = None
    """The delivery of this id, with its payload."""
    messages: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    inbound_messages: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    """All deliveries about these records, each with the number of its repeats."""
    cut: bool = False
    """Whether a limit cut one of the lists."""

    def __bool__(self) -> bool:
        return any((self.delivery, self.messages, self.calls, self.inbound_messages, self.links, self.deliveries))


def latest_deliveries(connection: Connection) -> list[Row]:
    """The latest deliveries, the latest first."""
    return _rows(connection, select(*_SHOWN).order_by(deliveries.c.id.desc()).limit(LATEST))


def trace_story(connection: Connection, identifier: str) -> Story:
    """The records with this id, foreign id, short URL or subject; for the id of a delivery, the records it is about."""
    story = Story(identifier)
    rows = _rows(connection, select(*_SHOWN, deliveries.c.payload).where(deliveries.c.id == identifier))
    story.delivery = rows[0] if rows else None
    subject = (story.delivery and story.delivery["subject"]) or identifier
    first, _, rest = subject.partition(" ")
    directions, key, tracking_url = ((first,), rest, "") if first in DIRECTIONS and rest else (DIRECTIONS, first, rest)
    names = (key, subject)  # a foreign id may contain spaces
    story.messages = _messages(connection, names)
    story.calls = _calls(connection, directions, names)
    story.inbound_messages = _select(connection, inbound_messages, inbound_messages.c.id.in_(names))
    story.links = _links(connection, [key, *(row["msg_id"] for row in story.messages)], tracking_url)
    story.deliveries = _deliveries(connection, story, subject)
    records = (story.messages, story.calls, story.inbound_messages, story.links)
    read = sum(1 + row["repeats"] for row in story.deliveries)
    story.cut = read >= MOST_DELIVERIES or any(len(rows) >= MOST_RECORDS for rows in records)
    return story


def _messages(connection: Connection, names: Sequence[str]) -> list[Row]:
    rows = _select(connection, messages, or_(messages.c.msg_id.in_(names), messages.c.foreign_id.in_(names)))
    _add_history(connection, rows, message_statuses, ("msg_id",), ("at", "status"))
    return rows


def _calls(connection: Connection, directions: Sequence[str], names: Sequence[str]) -> list[Row]:
    named = and_(calls.c.direction.in_(directions), calls.c.call_id.in_(names))
    rows = _select(connection, calls, or_(named, calls.c.foreign_id.in_(names)))
    _add_history(connection, rows, call_statuses, ("direction", "call_id"), ("at", "status"))
    return rows


def _links(connection: Connection, keys: list[str], tracking_url: str) -> list[Row]:
    """The links of messages, or one of them; for a short URL alone it scans all links, since no index covers it."""
    condition: ColumnElement[bool] = links.c.sms_id.in_(keys)
    if tracking_url:
        condition = and_(condition, links.c.tracking_url == tracking_url)
    elif "/" in keys[0]:
        condition = links.c.tracking_url == keys[0]
    rows = _select(connection, links, condition)
    _add_history(connection, rows, link_events, ("sms_id", "tracking_url"), ("type", "nth"))
    return rows


def _deliveries(connection: Connection, story: Story, subject: str) -> list[Row]:
    """The deliveries about these records, by the index on subjects, in order of receipt."""
    subjects = {subject, *(f"{direction} {subject}" for direction in DIRECTIONS)}
    subjects |= {row["msg_id"] for row in story.messages} | {row["id"] for row in story.inbound_messages}
    subjects |= {f"{row['direction']} {row['call_id']}" for row in story.calls}
    subjects |= {f"{row['sms_id']} {row['tracking_url']}" for row in story.links}
    column = deliveries.c.subject
    # Subjects of a message's links begin with its id and a space, and "!" is the character after the space.
    of_its_links = and_(column > f"{subject} ", column < f"{subject}!")
    query = select(*_SHOWN, deliveries.c.digest).where(or_(column.in_(subjects), of_its_links))
    return _without_repeats(_rows(connection, query.order_by(deliveries.c.id.desc()).limit(MOST_DELIVERIES)))


def _without_repeats(rows: list[Row]) -> list[Row]:
    """The first delivery of each content, with the number of its repeats. Expects the latest row first."""
    firsts: dict[str, Row] = {}
    for row in reversed(rows):
        digest = row.pop("digest") or row["id"]
        if digest in firsts:
            firsts[digest]["repeats"] += 1
        else:
            firsts[digest] = {**row, "repeats": 0}
    return list(firsts.values())


def _add_history(
    connection: Connection, records: list[Row], table: Table, key: Sequence[str], order: Sequence[str]
) -> None:
    """Add to each record its history, in order."""
    for record in records:
        condition = and_(*(table.c[name] == record[name] for name in key))
        columns = [column for column in table.c if column.name not in key]
        record["history"] = _rows(
            connection, select(*columns).where(condition).order_by(*(table.c[name] for name in order))
        )


def _select(connection: Connection, table: Table, condition: ColumnElement[bool]) -> list[Row]:
    return _rows(connection, select(table).where(condition).order_by(*table.primary_key).limit(MOST_RECORDS))


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]
