"""Trace scope: which records the story of one delivery may hold. Message 7 and inbound message 7 are two stories."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_

from seven.aggregates import aggregates, record_of
from store.archive import writes
from store.schema import calls, inbound_messages, links, messages

_TOGETHER = (
    frozenset({messages.name, links.name}),
    frozenset({inbound_messages.name}),
    frozenset({calls.name}),
)
"""Tables whose records one story has: the links of a message are part of it."""
EVERYTHING = frozenset().union(*_TOGETHER)


def tables_about(delivery: Mapping[str, Any] | None) -> frozenset[str]:
    """The tables of the records; all of them unless a delivery was looked up that is about one record."""
    record = record_of(delivery["event_type"], delivery["record"]) if delivery and delivery["subject"] else None
    return next((tables for tables in _TOGETHER if record in tables), EVERYTHING)


def writes_any(tables: frozenset[str]) -> ColumnElement[bool]:
    """The condition that a delivery is about a record of these tables."""
    return or_(*(writes(aggregate) for aggregate in aggregates() if aggregate.name in tables))
