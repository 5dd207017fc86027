"""Trace of records: messages, calls, inbound messages and links by what names them, each with its history."""

from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, literal, or_, select

from operations.trace_terms import Terms
from seven.journal import JOURNALED
from store.link_gaps import gaps_of
from store.record_rows import among
from store.schema import (
    call_digits,
    call_statuses,
    calls,
    inbound_messages,
    link_events,
    links,
    message_receipts,
    message_statuses,
    messages,
    missed_webhooks,
    sent_messages,
)

Row = dict[str, Any]

MOST_RECORDS = 100

_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def messages_of(connection: Connection, ids: Sequence[str], foreign_ids: Sequence[str] = ()) -> list[Row]:
    """Messages by their id or foreign id, with histories and receipts."""
    rows = _select(connection, messages, or_(messages.c.msg_id.in_(ids), _is_foreign_id(messages, foreign_ids)))
    _add_history(connection, rows, message_statuses, ("msg_id",), ("at", "status"))
    _add_history(connection, rows, message_receipts, ("msg_id",), ("at", "kind"))
    return rows


def sent_of(connection: Connection, ids: Sequence[str], foreign_ids: Sequence[str], terms: Terms) -> list[Row]:
    """What was sent, by the message's id or foreign id, or to this number; the latest."""
    c = sent_messages.c
    # the indexes of the two others are partial
    is_foreign_id = and_(c.foreign_id.is_not(None), func.lower(c.foreign_id).in_(_lower(foreign_ids)))
    to_number = and_(c.recipient.is_not(None), c.recipient.in_(terms.numbers))
    return _select(connection, sent_messages, or_(c.msg_id.in_(ids), is_foreign_id, to_number), c.sent_at)


def calls_of(connection: Connection, directions: Sequence[str], names: Sequence[str], terms: Terms) -> list[Row]:
    """Calls by their id, foreign id or number, with histories."""
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


def inbound_of(connection: Connection, names: Sequence[str], terms: Terms) -> list[Row]:
    """Inbound messages by their id or sender."""
    c = inbound_messages.c
    return _select(connection, inbound_messages, or_(c.id.in_(names), c.sender.in_(terms.numbers)), c.sent_at)


def links_of(connection: Connection, keys: list[str], tracking_url: str, terms: Terms) -> list[Row]:
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


def missed_of(connection: Connection, ids: Sequence[str]) -> list[Row]:
    """Webhooks about messages and calls with these ids that are late or never came, by the gateway's journal."""
    c = missed_webhooks.c
    query = select(missed_webhooks).where(c.id.in_(ids), c.state.in_(("late", "missed")), c.event_type.in_(JOURNALED))
    return rows_of(connection, query.order_by(c.event_type, c.id, c.status).limit(MOST_RECORDS))


def _is_foreign_id(table: Table, names: Sequence[str]) -> ColumnElement[bool]:
    """In any case of ASCII letters: lower() changes no others, neither in SQLite nor in a column with COLLATE "C"."""
    column = table.c.foreign_id
    return or_(column.in_(names), func.lower(column).in_(_lower(names)))


def _lower(names: Sequence[str]) -> list[str]:
    return [name.translate(_ASCII_LOWER) for name in names]


def _add_history(
    connection: Connection, records: list[Row], table: Table, key: Sequence[str], order: Sequence[str]
) -> None:
    """Add to each record its history, in order; read by one query."""
    histories: dict[tuple[Any, ...], list[Row]] = {tuple(record[name] for name in key): [] for record in records}
    if histories:
        query = select(table).where(among([table.c[name] for name in key], list(histories)))
        for row in rows_of(connection, query.order_by(*(table.c[name] for name in order))):
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
    rows = rows_of(connection, select(table).where(condition).order_by(order).limit(MOST_RECORDS))
    return sorted(rows, key=lambda row: tuple(row[column.name] for column in table.primary_key))


def rows_of(connection: Connection, query: Select[Any]) -> list[Row]:
    """The rows of a query."""
    return [dict(row) for row in connection.execute(query).mappings()]
