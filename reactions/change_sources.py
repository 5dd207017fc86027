"""Change sources: where the record of a change is read, and whether it still stands as the change says."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, and_, bindparam, func, select

from reactions.change_data import DATA
from seven import topics
from seven.change_keys import call_keys, link_keys, missed_keys
from store.notifications import ClaimedNotification
from store.schema import (
    calls,
    inbound_messages,
    link_events,
    links,
    messages,
    missed_webhooks,
    opt_out_events,
    opt_outs,
)
from store.upsert import array_rows

RowKey = tuple[Any, ...]
Values = Mapping[Any, Any]
"""Columns of a row."""


@dataclass(frozen=True, slots=True)
class Source:
    """The rows that changes of one kind are about."""

    keys: tuple[Column[Any], ...]
    row_keys: Callable[[ClaimedNotification], Iterable[RowKey]]
    """What the record's key may be."""
    stands: Callable[[ClaimedNotification, Values], bool]
    columns: tuple[Column[Any], ...]
    beside: tuple[Table, ColumnElement[bool]] | None = None
    """A table of which a row is read too if it is there, and which."""


def _columns(kind: str, *tables: Table) -> tuple[Column[Any], ...]:
    """Those that the data of a kind have, each from the first table that has it."""
    names = DATA[kind].model_fields
    return tuple(next(table.c[name] for table in tables if name in table.c) for name in names)


def _by_key(change: ClaimedNotification) -> Iterable[RowKey]:
    yield (change.key,)


def _is_there(change: ClaimedNotification, row: Values) -> bool:  # noqa: ARG001 - as all are called
    return True


def _message_stands(change: ClaimedNotification, row: Values) -> bool:
    return row["read_at"] is not None if change.topic == topics.READ else row["status"] == change.now


def _call_stands(change: ClaimedNotification, row: Values) -> bool:
    return change.topic == topics.CALL_RECEIVED or row["status"] == change.now


SOURCES: Mapping[str, Source] = {
    "message": Source((messages.c.msg_id,), _by_key, _message_stands, _columns("message", messages)),
    "inbound": Source((inbound_messages.c.id,), _by_key, _is_there, _columns("inbound", inbound_messages)),
    "call": Source(
        (calls.c.direction, calls.c.call_id),
        lambda change: call_keys(change.key),
        _call_stands,
        _columns("call", calls),
    ),
    "link": Source(
        (link_events.c.sms_id, link_events.c.tracking_url, link_events.c.type, link_events.c.nth),
        lambda change: link_keys(change.key),
        _is_there,
        _columns("link", link_events, links),
        (links, and_(links.c.sms_id == link_events.c.sms_id, links.c.tracking_url == link_events.c.tracking_url)),
    ),
    # not by the message of opt_outs: who sends STOP twice has one change, and another message there. So it stands also
    # after STOP, START, STOP, where the last STOP may have no change: of one that came out of order none was noted
    "opt_out": Source(
        (opt_out_events.c.inbound_id,),
        _by_key,
        lambda change, row: row["state"] == change.now,
        _columns("opt_out", opt_outs),
        (opt_outs, and_(*(column == opt_out_events.c[column.name] for column in opt_outs.primary_key))),
    ),
    "webhook": Source(
        (missed_webhooks.c.event_type, missed_webhooks.c.id, missed_webhooks.c.status),
        lambda change: missed_keys(change.key, change.now),
        lambda _, row: row["state"] == "missed",
        (*_columns("webhook", missed_webhooks), missed_webhooks.c.state),
    ),
}
"""By kind. Health and heartbeat have no rows."""


@cache
def rows_by_keys(kind: str, dialect: str) -> Select[Any]:
    """Rows by keys, which are their `key_0` and so on: one array for each column, or for SQLite a JSON document."""
    source = SOURCES[kind]
    table = source.keys[0].table
    columns = (*(key.label(f"key_{n}") for n, key in enumerate(source.keys)), *source.columns)
    if dialect == "postgresql":
        listed = array_rows(source.keys)
        wanted, same = listed[0].table, [key == its for key, its in zip(source.keys, listed, strict=True)]
    else:
        wanted = func.json_each(bindparam("keys")).table_valued("value", name="listed")
        same = [key == func.json_extract(wanted.c.value, f"$[{n}]") for n, key in enumerate(source.keys)]
    if dialect == "sqlite" and len(same) == 1:  # where no index serves, it would read the table anew for each key
        rows = table.outerjoin(*source.beside) if source.beside else table
        within = source.keys[0].in_(select(func.json_extract(wanted.c.value, "$[0]")))
        return select(*columns).select_from(rows).where(within)
    rows = wanted.join(table, and_(*same))
    return select(*columns).select_from(rows.outerjoin(*source.beside) if source.beside else rows)
