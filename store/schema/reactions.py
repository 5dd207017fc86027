"""Reactions: what changed, as far as somebody subscribes to it, and who does."""

from sqlalchemy import BigInteger, Column, Identity, Integer, Table

from store.schema.columns import column, index, key, metadata
from store.types import CodePointText, Time

changes = Table(
    "changes",
    metadata,
    Column(
        "seq",
        BigInteger().with_variant(Integer, "sqlite"),
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
    index("ix_changes_key", ["key"], "the changes of one record; forget"),
    index("ix_changes_noted_at", ["noted_at"], "retention: the oldest"),
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
    comment="Who subscribes to which changes; workers write those alone",
)
