"""Tracing: everything the database holds on one id, by its indexes."""

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
    deliveries.c.subject, deliveries.c.outcome, deliveries.c.reason, deliveries.c.event_at, deliveries.c.applied_at,
)  # fmt: skip


@dataclass(slots=True)
class Story:
    """What is known of one id. A record carries its history."""

    id: str
    delivery: Row | None = None
    """With its payload, where the id is a delivery's own."""
    messages: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    inbound_messages: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    """All that speak of these records, each with the number of its repeats."""
    cut: bool = False
    """Whether there may be more than is listed here."""

    def __bool__(self) -> bool:
        return any((self.delivery, self.messages, self.calls, self.inbound_messages, self.links, self.deliveries))


def latest_deliveries(connection: Connection) -> list[Row]:
    """The deliveries that came last, the latest first."""
    return _rows(connection, select(*_SHOWN).order_by(deliveries.c.id.desc()).limit(LATEST))


def trace_story(connection: Connection, told: str) -> Story:
    """The records of which `told` is the id, foreign id, short URL or subject, or of which a delivery `told` speaks."""
    story = Story(told)
    itself = _rows(connection, select(*_SHOWN, deliveries.c.payload).where(deliveries.c.id == told))
    story.delivery = itself[0] if itself else None
    subject = (story.delivery and story.delivery["subject"]) or told
    first, _, rest = subject.partition(" ")
    directions, key, tracking_url = ((first,), rest, "") if first in DIRECTIONS and rest else (DIRECTIONS, first, rest)
    names = (key, subject)  # a foreign id may have spaces of its own
    story.messages = _messages(connection, names)
    story.calls = _calls(connection, directions, names)
    story.inbound_messages = _found(connection, inbound_messages, inbound_messages.c.id.in_(names))
    story.links = _links(connection, [key, *(row["msg_id"] for row in story.messages)], tracking_url)
    story.deliveries = _deliveries(connection, story, subject)
    records = (story.messages, story.calls, story.inbound_messages, story.links)
    told_of = sum(1 + row["repeats"] for row in story.deliveries)
    story.cut = told_of >= MOST_DELIVERIES or any(len(found) >= MOST_RECORDS for found in records)
    return story


def _messages(connection: Connection, names: Sequence[str]) -> list[Row]:
    found = _found(connection, messages, or_(messages.c.msg_id.in_(names), messages.c.foreign_id.in_(names)))
    _add_history(connection, found, message_statuses, ("msg_id",), ("at", "status"))
    return found


def _calls(connection: Connection, directions: Sequence[str], names: Sequence[str]) -> list[Row]:
    named = and_(calls.c.direction.in_(directions), calls.c.call_id.in_(names))
    found = _found(connection, calls, or_(named, calls.c.foreign_id.in_(names)))
    _add_history(connection, found, call_statuses, ("direction", "call_id"), ("at", "status"))
    return found


def _links(connection: Connection, keys: list[str], tracking_url: str) -> list[Row]:
    """The links of messages, or one of them; a short URL alone is looked for in all links, since no index knows it."""
    wanted: ColumnElement[bool] = links.c.sms_id.in_(keys)
    if tracking_url:
        wanted = and_(wanted, links.c.tracking_url == tracking_url)
    elif "/" in keys[0]:
        wanted = links.c.tracking_url == keys[0]
    found = _found(connection, links, wanted)
    _add_history(connection, found, link_events, ("sms_id", "tracking_url"), ("type", "nth"))
    return found


def _deliveries(connection: Connection, story: Story, subject: str) -> list[Row]:
    """The deliveries that speak of these records, by the index of their subjects, in the order in which they came."""
    subjects = {subject, *(f"{direction} {subject}" for direction in DIRECTIONS)}
    subjects |= {row["msg_id"] for row in story.messages} | {row["id"] for row in story.inbound_messages}
    subjects |= {f"{row['direction']} {row['call_id']}" for row in story.calls}
    subjects |= {f"{row['sms_id']} {row['tracking_url']}" for row in story.links}
    column = deliveries.c.subject
    # What speaks of a message's links begins with its id and a space, and "!" is what follows a space.
    of_its_links = and_(column > f"{subject} ", column < f"{subject}!")
    query = select(*_SHOWN, deliveries.c.digest).where(or_(column.in_(subjects), of_its_links))
    return _told_apart(_rows(connection, query.order_by(deliveries.c.id.desc()).limit(MOST_DELIVERIES)))


def _told_apart(found: list[Row]) -> list[Row]:
    """Each delivery once, the first of its kind, with the number of those that said the same again."""
    firsts: dict[str, Row] = {}
    for row in reversed(found):
        digest = row.pop("digest") or row["id"]
        if digest in firsts:
            firsts[digest]["repeats"] += 1
        else:
            firsts[digest] = {**row, "repeats": 0}
    return list(firsts.values())


def _add_history(
    connection: Connection, records: list[Row], table: Table, key: Sequence[str], order: Sequence[str]
) -> None:
    """Give each record what it went through, in order."""
    for record in records:
        of_it = and_(*(table.c[name] == record[name] for name in key))
        columns = [column for column in table.c if column.name not in key]
        record["history"] = _rows(
            connection, select(*columns).where(of_it).order_by(*(table.c[name] for name in order))
        )


def _found(connection: Connection, table: Table, condition: ColumnElement[bool]) -> list[Row]:
    return _rows(connection, select(table).where(condition).order_by(*table.primary_key).limit(MOST_RECORDS))


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]
