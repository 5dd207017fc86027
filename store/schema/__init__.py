"""Schema: one table for each record, with the record's fields as columns. `migrations/` is its history.

All times are aware UTC, vendor ids are text, prices are exact decimals. On PostgreSQL everything lives in the schema
`seven`, and tables that grow for ever are partitioned by week (`partitions.py`). `changed_at`, where a table has it, is
the database's own time of the last effective change: the one column that is no join, so that other programs can read
what is new since their last look (`docs/react.md`). What is said here of tables, columns and indexes is what PostgreSQL
shows beside them (`store/comments.py`) and what docs/tables.md lists.
"""

from sqlalchemy import Table

from store.schema.archive import NOT_APPLIED, WITH_PAYLOAD, dead_letter_failures, dead_letters, deliveries
from store.schema.columns import SCHEMA, metadata
from store.schema.journal import hook_spans, missed_webhooks
from store.schema.operations import fences, hook_changes, ledger_marks, tallies
from store.schema.opt_outs import forgotten, opt_out_events, opt_outs
from store.schema.reactions import changes, fan_out_position, notifications, own_file, reactions
from store.schema.records import (
    WITH_TEXT,
    call_digits,
    call_statuses,
    calls,
    inbound_messages,
    link_events,
    links,
    message_receipts,
    message_statuses,
    messages,
)
from store.schema.sent_messages import sent_messages


def tables(dialect: str) -> list[Table]:
    """The tables of a database, in the order of their dependencies; SQLite has some in a file of their own."""
    return [table for table in metadata.sorted_tables if dialect != "sqlite" or not table.info.get("in_own_file")]


OPEN_OUTCOMES = ("parked", "quarantined", "dead")
"""Outcomes that an operator has to handle."""
CLOSED_OUTCOMES = ("discarded", "applied")
"""Outcomes that need no further handling."""

__all__ = [
    "CLOSED_OUTCOMES",
    "NOT_APPLIED",
    "OPEN_OUTCOMES",
    "SCHEMA",
    "WITH_PAYLOAD",
    "WITH_TEXT",
    "call_digits",
    "call_statuses",
    "calls",
    "changes",
    "dead_letter_failures",
    "dead_letters",
    "deliveries",
    "fan_out_position",
    "fences",
    "forgotten",
    "hook_changes",
    "hook_spans",
    "inbound_messages",
    "ledger_marks",
    "link_events",
    "links",
    "message_receipts",
    "message_statuses",
    "messages",
    "metadata",
    "missed_webhooks",
    "notifications",
    "opt_out_events",
    "opt_outs",
    "own_file",
    "reactions",
    "sent_messages",
    "tables",
    "tallies",
]
