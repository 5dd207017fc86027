"""Personal columns: which columns may identify a person; all other columns identify no one.

Our own numbers are no person's.
"""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Table, true

from store.schema import (
    calls,
    dead_letter_failures,
    dead_letters,
    deliveries,
    hook_changes,
    inbound_messages,
    link_events,
    links,
    messages,
    sent_messages,
)


@dataclass(frozen=True)
class PersonalColumns:
    """The personal columns of one table."""

    table: Table
    identifying: tuple[str, ...]
    """If one of these matches the person, the row is about them, and all of `columns` is blanked."""
    columns: tuple[str, ...]
    """Each is also blanked on its own if it names the person."""
    own: tuple[str, ...] = ()
    """Columns with numbers of ours: blanked only if asked for, and only where they have the number."""
    shared: tuple[str, ...] = ()
    """Those of `columns` that stay if rows of other people have the same: they name a campaign."""
    key: str | None = None
    """A part of the key that may contain names given by others."""
    derived: str | None = None
    """A part of the key that is a digest of personal data if the gateway sent no id."""
    condition: ColumnElement[bool] = field(default_factory=true)
    """Which rows of the table."""
    history: Table | None = None
    """The history table; its key begins with the key of this table."""

    @property
    def names(self) -> list[str]:
        """All columns to read."""
        key = [column.name for column in self.table.primary_key]
        return list(dict.fromkeys([*key, *self.identifying, *self.columns, *self.own]))


WRITTEN = ("text", "postback", "file_uri", "file_name", "latitude", "longitude")
"""What somebody sent us: of an inbound message all that is not about the message."""

SENT = PersonalColumns(
    sent_messages,
    ("msg_id", "recipient", "foreign_id"),
    ("recipient", "foreign_id", "label", "text", "sender"),  # of a forwarded message the sender is a person, too
    shared=("label",),
)

# Searched in this order: messages belong to the person whom they were sent to, links to the person whose messages do.
RECORDS = (
    SENT,
    PersonalColumns(messages, ("msg_id", "foreign_id"), ("foreign_id",)),
    PersonalColumns(
        links,
        ("sms_id",),
        ("label", "final_url"),
        shared=("label", "final_url"),
        key="tracking_url",
        history=link_events,
    ),
    PersonalColumns(inbound_messages, ("sender",), ("sender", *WRITTEN), own=("recipient", "agent_id"), derived="id"),
    PersonalColumns(
        calls,
        ("recipient", "foreign_id"),
        ("recipient", "foreign_id"),
        own=("caller",),
        condition=calls.c.direction == "outbound",
    ),
    PersonalColumns(
        calls,
        ("caller", "foreign_id"),
        ("caller", "foreign_id"),
        own=("recipient",),
        derived="call_id",
        condition=calls.c.direction != "outbound",
    ),
)
FILTERS = PersonalColumns(hook_changes, (), (), own=("event_filter",))
PAYLOADS = PersonalColumns(deliveries, ("payload",), ("payload", "digest"))
LABELS = ("event_type", "reason", "remark")
"""Columns of a delivery with free text from others, blanked if they name the person."""
LETTERS = PersonalColumns(dead_letters, ("envelope",), ("envelope", "event_type", "reason"))
FAILURES = PersonalColumns(dead_letter_failures, (), ("reason",))
