"""Trace: everything that the database holds on one id, number, short URL or label, read through indexes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, literal, or_, select

from operations.trace_opt_outs import opt_outs_of
from operations.trace_scope import EVERYTHING, tables_about, writes_any
from operations.trace_terms import Terms
from operations.trace_unapplied import PendingSearch, unapplied_about
from seven.phone_numbers import COUNTRY_CODE
from seven.summaries import summarise
from store.archive import first_id
from store.link_gaps import gaps_of
from store.record_rows import among
from store.schema import (
    call_digits,
    call_statuses,
    calls,
    deliveries,
    inbound_messages,
    link_events,
    links,
    message_receipts,
    message_statuses,
    messages,
)

Row = dict[str, Any]

DIRECTIONS = ("inbound", "outbound")  # of calls
MOST_RECORDS = 100
MOST_DELIVERIES = 1000
LATEST = 20

_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

_SHOWN = (
    deliveries.c.id, deliveries.c.received_at, deliveries.c.event_type, deliveries.c.request_method,
    deliveries.c.subject, deliveries.c.outcome, deliveries.c.reason, deliveries.c.remark,
    deliveries.c.event_at, deliveries.c.applied_at, deliveries.c.record,
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
    """Each with its `gaps`: by kind, how many activities the gateway counted and never reported."""
    opt_outs: list[Row] = field(default_factory=list)  # of the number, and of who sent these messages
    deliveries: list[Row] = field(default_factory=list)
    """About these records, each with the number of its repeats and its `summary`."""
    unapplied: list[Row] = field(default_factory=list)
    """Parked, quarantined and dead deliveries whose payload has what was asked for, beside those above."""
    pending: PendingSearch | None = None
    """What the ledger holds of it; None if nobody looked there."""
    cut: bool = False
    """Whether a limit cut one of the lists."""

    def __bool__(self) -> bool:
        records = (self.messages, self.calls, self.inbound_messages, self.links, self.opt_outs)
        pending = self.pending and self.pending.deliveries
        return any((self.delivery, *records, self.deliveries, self.unapplied, pending))

    @property
    def subjects(self) -> set[str]:
        """The subjects of deliveries about these records."""
        subjects = {row["msg_id"] for row in self.messages} | {row["id"] for row in self.inbound_messages}
        subjects |= {f"{row['direction']} {row['call_id']}" for row in self.calls}
        return subjects | {f"{row['sms_id']} {row['tracking_url']}" for row in self.links}


def latest_deliveries(connection: Connection, *, masked: bool = False) -> list[Row]:
    """The latest deliveries, the latest first, each with its `summary`."""
    query = select(*_SHOWN, deliveries.c.payload).order_by(deliveries.c.id.desc())
    return _summarised(_rows(connection, query.limit(LATEST)), masked)


def deliveries_around(connection: Connection, at: datetime, *, masked: bool = False) -> list[Row]:
    """The last deliveries received before a moment and the first ones after it, the latest first."""
    query, moment = select(*_SHOWN, deliveries.c.payload), first_id(at)
    before = query.where(deliveries.c.id < moment).order_by(deliveries.c.id.desc()).limit(LATEST // 2)
    after = query.where(deliveries.c.id >= moment).order_by(deliveries.c.id).limit(LATEST // 2)
    return _summarised([*reversed(_rows(connection, after)), *_rows(connection, before)], masked)


def trace_story(
    connection: Connection, identifier: str, country_code: int = COUNTRY_CODE, *, masked: bool = False
) -> Story:
    """The records with this id, foreign id (in any case), number (in any spelling), short URL, label or subject.

    For the id of a delivery, the records it is about. `masked` summaries hold no number and no text.
    """
    story = Story(identifier)
    query = select(*_SHOWN, deliveries.c.payload).where(deliveries.c.id == identifier.strip().lower())
    story.delivery = next(iter(_rows(connection, query)), None)
    subject = (story.delivery and story.delivery["subject"]) or identifier
    about = tables_about(story.delivery)
    terms = Terms.of(subject, country_code)
    first, _, rest = subject.partition(" ")
    directions, key, tracking_url = ((first,), rest, "") if first in DIRECTIONS and rest else (DIRECTIONS, first, rest)
    names = tuple(dict.fromkeys((key, *terms.names)))  # a foreign id may contain spaces
    if messages.name in about:
        story.messages = _messages(connection, names)
        story.links = _links(connection, [key, *(row["msg_id"] for row in story.messages)], tracking_url, terms)
    if calls.name in about:
        story.calls = _calls(connection, directions, names, terms)
    if inbound_messages.name in about:
        story.inbound_messages = _inbound(connection, names, terms)
    story.opt_outs = opt_outs_of(connection, terms.numbers, story.inbound_messages, country_code)
    story.deliveries = _deliveries(connection, story, subject, about, masked)
    if story.delivery is None:
        _add_unapplied(connection, story, terms, masked)
    records = (story.messages, story.calls, story.inbound_messages, story.links)
    read = sum(1 + row["repeats"] for row in story.deliveries)
    story.cut |= read >= MOST_DELIVERIES or any(len(rows) >= MOST_RECORDS for rows in records)
    return story


def _messages(connection: Connection, names: Sequence[str]) -> list[Row]:
    rows = _select(connection, messages, or_(messages.c.msg_id.in_(names), _is_foreign_id(messages, names)))
    _add_history(connection, rows, message_statuses, ("msg_id",), ("at", "status"))
    _add_history(connection, rows, message_receipts, ("msg_id",), ("at", "kind"))
    return rows


def _calls(connection: Connection, directions: Sequence[str], names: Sequence[str], terms: Terms) -> list[Row]:
    named = and_(calls.c.direction.in_(directions), calls.c.call_id.in_(names))
    numbers = [column.in_(terms.numbers) for column in (calls.c.caller, calls.c.recipient)]
    rows = _select(connection, calls, or_(named, _is_foreign_id(calls, names), *numbers), calls.c.started_at)
    _add_history(connection, rows, call_statuses, ("direction", "call_id"), ("at", "status"))
    _count_key_presses(connection, rows)
    return rows


def _count_key_presses(connection: Connection, rows: list[Row]) -> None:
    """Add how many keys were pressed in each call that had any; never which, for they may be a PIN."""
    c = call_digits.c
    keys = [(row["direction"], row["call_id"]) for row in rows]
    query = select(c.direction, c.call_id, func.count()).group_by(c.direction, c.call_id)
    counts = connection.execute(query.where(among([c.direction, c.call_id], keys))) if keys else ()
    presses = {(direction, call_id): number for direction, call_id, number in counts}
    for row in rows:
        if number := presses.get((row["direction"], row["call_id"])):
            row["key_presses"] = number


def _inbound(connection: Connection, names: Sequence[str], terms: Terms) -> list[Row]:
    c = inbound_messages.c
    return _select(connection, inbound_messages, or_(c.id.in_(names), c.sender.in_(terms.numbers)), c.sent_at)


def _links(connection: Connection, keys: list[str], tracking_url: str, terms: Terms) -> list[Row]:
    """The links of messages, or one of them; or those of a short URL, with or without its scheme, or of a label."""
    condition: ColumnElement[bool] = links.c.sms_id.in_(keys)
    if tracking_url and "/" in tracking_url:
        condition = and_(condition, links.c.tracking_url == tracking_url)
    rows = _select(
        connection, links, or_(condition, links.c.tracking_url.in_(terms.urls), links.c.label == terms.typed)
    )
    _add_history(connection, rows, link_events, ("sms_id", "tracking_url"), ("type", "nth"))
    for row, gaps in zip(rows, gaps_of(connection, rows), strict=True):
        row["gaps"] = gaps
    return rows


def _is_foreign_id(table: Table, names: Sequence[str]) -> ColumnElement[bool]:
    """In any case of ASCII letters: lower() changes no others, neither in SQLite nor in a column with COLLATE "C"."""
    column = table.c.foreign_id
    return or_(column.in_(names), func.lower(column).in_([name.translate(_ASCII_LOWER) for name in names]))


def _deliveries(connection: Connection, story: Story, subject: str, about: frozenset[str], masked: bool) -> list[Row]:
    """The deliveries about these records, by the index on subjects, in order of receipt."""
    subjects = {subject, *(f"{direction} {subject}" for direction in DIRECTIONS)} | story.subjects
    column = deliveries.c.subject
    # Subjects of a message's links begin with its id and a space, and "!" is the character after the space.
    of_its_links = and_(column > f"{subject} ", column < f"{subject}!")
    of_story = or_(column.in_(subjects), of_its_links)
    if about != EVERYTHING:
        of_story = and_(of_story, writes_any(about))
    query = select(*_SHOWN, deliveries.c.payload, deliveries.c.digest).where(of_story)
    rows = _rows(connection, query.order_by(deliveries.c.id.desc()).limit(MOST_DELIVERIES))
    return _summarised(_without_repeats(rows), masked)


def _add_unapplied(connection: Connection, story: Story, terms: Terms, masked: bool) -> None:
    rows, whole = unapplied_about(connection, terms, _SHOWN)
    known = {row["id"] for row in story.deliveries}
    story.unapplied = _summarised([row for row in rows if row["id"] not in known], masked)
    story.cut |= not whole and bool(rows)


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


def _summarised(rows: list[Row], masked: bool) -> list[Row]:
    """The rows with what each said instead of its payload."""
    return [row | {"summary": summarise(row["event_type"], row.pop("payload"), masked=masked)} for row in rows]


def _add_history(
    connection: Connection, records: list[Row], table: Table, key: Sequence[str], order: Sequence[str]
) -> None:
    """Add to each record its history, in order; read by one query."""
    histories: dict[tuple[Any, ...], list[Row]] = {tuple(record[name] for name in key): [] for record in records}
    if histories:
        query = select(table).where(among([table.c[name] for name in key], list(histories)))
        for row in _rows(connection, query.order_by(*(table.c[name] for name in order))):
            histories[tuple(row.pop(name) for name in key)].append(row)
    for record in records:
        record["receipts" if table is message_receipts else "history"] = histories[tuple(record[name] for name in key)]


def _select(
    connection: Connection, table: Table, condition: ColumnElement[bool], at: ColumnElement[Any] | None = None
) -> list[Row]:
    """At most MOST_RECORDS rows in the order of their key; the latest ones by `at` where that is given.

    Sorted by an expression: by a column of an index, PostgreSQL might read that index until enough rows match.
    """
    (first, *_) = table.primary_key
    order = (literal("") + first) if at is None else func.coalesce(at, at).desc()
    rows = _rows(connection, select(table).where(condition).order_by(order).limit(MOST_RECORDS))
    return sorted(rows, key=lambda row: tuple(row[column.name] for column in table.primary_key))


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]
