"""Reactions: the changes that have a subscriber, the subscribers, and what became of each change for each."""

from sqlalchemy import BigInteger, Boolean, Column, Identity, Integer, MetaData, Table, text

from store.schema.columns import SCHEMA, column, index, key, metadata
from store.types import CodePointText, Time

SEQ = BigInteger().with_variant(Integer, "sqlite")

changes = Table(
    "changes",
    metadata,
    Column(
        "seq",
        SEQ,
        Identity(),  # no right on a sequence is needed
        primary_key=True,
        comment="Rises; a lower one may become visible after a higher one",
    ),
    column("topic", CodePointText, "message.delivered, inbound.received, …"),
    column(
        "key", CodePointText, "The record's id; of calls with the direction, of clicks and views with URL and number"
    ),
    column("was", CodePointText, "The status before; NULL for a new record"),
    column("now", CodePointText, "The status since"),
    column("at", Time, "When the record came to stand so; NULL where no time was reported"),
    column("delivery_id", CodePointText, "The delivery that brought it; NULL if there is none"),
    column("noted_at", Time, "The database's time when it was written"),
    column("reaction", CodePointText, "Its only subscriber, which requested rows as they stand; NULL for all"),
    column("any_age", Boolean, "True: sent also where it is older than a subscriber's max_age_days"),
    column(
        "fanned_out_at",
        Time,
        "When it was handed to its subscribers; on SQLite the time it was written, and reactions.db knows the rest",
    ),
    index("ix_changes_key", ["key"], "the changes of one record; forget"),
    index("ix_changes_noted_at", ["noted_at"], "retention: the oldest"),
    index("ix_changes_to_fan_out", ["seq"], "dispatch: what is new", text("fanned_out_at IS NULL")),
    comment="How the standings of records moved, one row a change, written only while somebody subscribes to its topic",
    sqlite_autoincrement=True,  # no number comes twice, also after the last row is removed
)

reactions = Table(
    "reactions",
    metadata,
    key("name", "The subscriber, as SEVEN_REACTIONS_FILE names it"),
    column("topics", CodePointText, "What it subscribes to, with spaces between"),
    column("since", Time, "When it began"),
    column("state", CodePointText, "starting, on, paused or off"),
    column("begun_topics", CodePointText, "Those of the topics that every worker notes by now"),
    column("registered_at", Time, "When its topics were registered last: workers need a while to see them"),
    column("reason", CodePointText, "Why it is paused"),
    column("failing_since", Time, "The first failure since its last success; NULL while nothing that failed waits"),
    column("last_failure", CodePointText, "What that failure was"),
    column("succeeded_at", Time, "When its target last accepted a change"),
    comment="Who subscribes to which changes",
)


notifications = Table(
    "notifications",
    metadata,
    key("reaction", "The subscriber"),
    key("path", "What of the record stands so: message, call.status, …"),
    key("key", "The record's id, as in changes"),
    column("seq", SEQ, "The latest change of it"),
    column("topic", CodePointText, "The topic of that change"),
    column("was", CodePointText, "The status before the first change that was not sent"),
    column("now", CodePointText, "The status since"),
    column("at", Time, "When the record came to stand so"),
    column("delivery_id", CodePointText, "The delivery that brought it"),
    column("noted_at", Time, "When it was noted"),
    column("state", CodePointText, "waiting, sent, superseded, filtered, stale, expired or skipped"),
    column("due_at", Time, "When it may be sent, or, while it is being sent, sent again; NULL once it is settled"),
    column("claim", CodePointText, "Who is sending it"),
    column("attempts", Integer, "How often it was tried"),
    column("last_failure", CodePointText, "Why the last attempt failed"),
    column("settled_at", Time, "When it was sent or dropped"),
    index("ix_notifications_due", ["reaction", "due_at"], "dispatch: what to send", text("due_at IS NOT NULL")),
    index("ix_notifications_key", ["key"], "forget"),
    index("ix_notifications_settled_at", ["settled_at"], "retention: the oldest"),
    comment="What became of the latest change of each record for each subscriber; SQLite has it in reactions.db",
    info={"in_own_file": True},
)

own_file = MetaData(schema=SCHEMA)
"""What SQLite has in reactions.db: claims beside a writing worker would starve."""
notifications.to_metadata(own_file)
fan_out_position = Table(
    "fan_out_position",
    own_file,
    Column("seq", SEQ, primary_key=True, autoincrement=False),
    Column("noted_at", Time),
)
"""The last change that was handed to subscribers: SQLite's writers take turns, so numbers rise as they commit.

With the latest time that any of them was noted at: after a restore of the database numbers come again.
"""
