"""Records: one table for each record, with the record's fields as columns (`seven/records.py` has their joins)."""

from sqlalchemy import BigInteger, Boolean, Double, Integer, Table, literal_column, text

from store.schema.columns import (
    ANY_CASE_FOREIGN_ID,
    changed_at,
    column,
    column_with_default,
    hour_of,
    index,
    journal_only,
    key,
    metadata,
    undated,
    undated_entry,
)
from store.types import CodePointText, Euros, Time

WITH_TEXT = text("text IS NOT NULL")
NOT_DELIVERED = text("result <> 'delivered'")
WITH_CALLER = text("caller IS NOT NULL")
WITH_RECIPIENT = text("recipient IS NOT NULL")
WITH_LABEL = text("label IS NOT NULL")

_CHANGES = "docs/react.md: what is new since the last look"
_HISTORY = "retention: the oldest entries"

messages = Table(
    "messages",
    metadata,
    key("msg_id", "The gateway's id, from its answer when the message was sent"),
    column("status", CodePointText, "The latest status, as reported: DELIVERED, NOTDELIVERED, EXPIRED, …"),
    column("result", CodePointText, "What the status means: delivered, failed, pending, or unknown for a new word"),
    column("final", Boolean, "Whether no further status is expected"),
    column("status_at", Time, "When the message reached this status"),
    column("rank", Integer, "The place of the status in the usual order; decides between two of one time"),
    column("foreign_id", CodePointText, "Your own id, given when sending"),
    column("first_seen_at", Time, "The time of its earliest report"),
    column("last_seen_at", Time, "The time of its latest report, of those that came with one"),
    changed_at(),
    undated("this status"),
    column("delivered_at", Time, "The earliest reported time of a status that means delivered, whatever came later"),
    column("read_at", Time, "When its recipient read it first, where the channel reports that"),
    journal_only(),
    index("ix_messages_foreign_id", ["foreign_id"], "trace; joins with what was sent"),
    index("ix_messages_changed_at", ["changed_at"], _CHANGES),
    index(
        "ix_messages_first_seen_hour",
        [hour_of(literal_column("first_seen_at"))],
        "delivery_rates WHERE hour >= …; 7 bytes a message",
    ),
    index(
        "ix_messages_first_seen_at_msg_id",
        ["first_seen_at", "msg_id"],
        "console: messages by day; query time_to_delivery",
    ),
    index(
        "ix_messages_result_first_seen_at_msg_id",
        ["result", "first_seen_at", "msg_id"],
        "console: failed and open messages; queries stuck and failed_after_delivered; delivered ones leave it",
        NOT_DELIVERED,
    ),
    index("ix_messages_lower_foreign_id", [ANY_CASE_FOREIGN_ID], "trace: a foreign id in any case"),
    comment="The SMS we sent, each as it stands now; its recipient and text are only in the answer to the sender",
)

message_statuses = Table(
    "message_statuses",
    metadata,
    key("msg_id", "That of the message"),
    key("status", "As reported"),
    key("at", "When the message reached this status", Time),
    undated_entry(),
    index("ix_message_statuses_at", ["at"], _HISTORY),
    comment="Every status that a message has had, each once",
    postgresql_partition_by="RANGE (at)",
)

message_receipts = Table(
    "message_receipts",
    metadata,
    key("msg_id", "That of the message"),
    key("kind", "delivered or read"),
    key("at", "When the message was received or read", Time),
    undated_entry(),
    index("ix_message_receipts_at", ["at"], f"{_HISTORY}; query reads_by_day"),
    comment="Every receipt of a message by channels that report them, each once",
)

inbound_messages = Table(
    "inbound_messages",
    metadata,
    key("id", "The gateway's id; without one a digest of sender, system, time and text"),
    column("sender", CodePointText, "The number that wrote"),
    column("recipient", CodePointText, "Our number, the gateway's `system`"),
    column("text", CodePointText, "What they wrote; blanked when old"),
    column("sent_at", Time, "When it was sent"),
    column("message_type", CodePointText, "As reported, usually SMS"),
    changed_at(),
    column_with_default("channel", CodePointText, "sms", "sms, rcs or whatsapp"),
    column("content_type", CodePointText, "Of an RCS message: text, suggestion_response, user_file or location"),
    column("agent_id", CodePointText, "Our RCS agent that it was sent to"),
    column("postback", CodePointText, "What the suggestion that they chose stands for; blanked with the text"),
    column("file_uri", CodePointText, "Where the file that they sent is; blanked with the text"),
    column("mime_type", CodePointText, "The type of that file"),
    column("file_name", CodePointText, "The name of that file; blanked with the text"),
    column("latitude", Double, "The place that they sent, in degrees; blanked with the text"),
    column("longitude", Double, "The place that they sent, in degrees; blanked with the text"),
    index("ix_inbound_messages_changed_at", ["changed_at"], _CHANGES),
    index("ix_inbound_messages_sent_at", ["sent_at"], "retention: the oldest; console: by day"),
    index(
        "ix_inbound_messages_sent_at_text", ["sent_at"], "retention: texts to blank; blanked rows leave it", WITH_TEXT
    ),
    index("ix_inbound_messages_sender", ["sender"], "trace, query person: the history of a number"),
    comment="The messages that others sent to our numbers and agents",
)

calls = Table(
    "calls",
    metadata,
    key("direction", "inbound: somebody called us; outbound: we called"),
    key("call_id", "The gateway's id; without one a digest of caller, system and time"),
    column("caller", CodePointText, "The number that called: of an outbound call, ours"),
    column("recipient", CodePointText, "The number that was called: of an inbound call, ours"),
    column("status", CodePointText, "The latest status, as reported: ringing, completed, busy, …"),
    column("final", Boolean, "Whether no further status is expected"),
    column("status_at", Time, "When the call reached this status"),
    column("rank", Integer, "The place of the status in the usual order; decides between two of one time"),
    column("duration_s", BigInteger, "Seconds that it lasted"),
    column("price_per_minute", Euros, "Euros for each started minute, as reported"),
    column("total_price", Euros, "Euros in all, where the gateway reported it; view call_costs computes the rest"),
    column("foreign_id", CodePointText, "Your own id, given when placing the call"),
    column("started_at", Time, "The time of its earliest report"),
    changed_at(),
    undated("this status"),
    journal_only(),
    index("ix_calls_foreign_id", ["foreign_id"], "trace; joins with what was placed"),
    index("ix_calls_changed_at", ["changed_at"], _CHANGES),
    index(
        "ix_calls_started_at_direction_call_id",
        ["started_at", "direction", "call_id"],
        "console: calls by day; queries calls_by_day_and_caller and inbound_numbers",
    ),
    index("ix_calls_caller", ["caller"], "trace, query person: the history of a number", WITH_CALLER),
    index("ix_calls_recipient", ["recipient"], "trace, query person: the history of a number", WITH_RECIPIENT),
    index("ix_calls_lower_foreign_id", [ANY_CASE_FOREIGN_ID], "trace: a foreign id in any case"),
    comment="Inbound and outbound calls, each as it stands now",
)

call_statuses = Table(
    "call_statuses",
    metadata,
    key("direction", "That of the call"),
    key("call_id", "That of the call"),
    key("status", "As reported"),
    key("at", "When the call reached this status", Time),
    undated_entry(),
    index("ix_call_statuses_at", ["at"], _HISTORY),
    comment="Every status that a call has had, each once",
    postgresql_partition_by="RANGE (at)",
)

call_digits = Table(
    "call_digits",
    metadata,
    key("direction", "That of the call"),
    key("call_id", "That of the call"),
    key("at", "When the key was pressed, in whole seconds", Time),
    key("digit", "The key: 0 to 9, * or #; empty unless SEVEN_KEEP_DIGITS is true"),
    undated_entry(),
    index("ix_call_digits_at", ["at"], _HISTORY),
    comment="Every key that was pressed in a call; the same key twice in one second is one",
)

links = Table(
    "links",
    metadata,
    key("sms_id", "The id of the message that it was in"),
    key("tracking_url", "The short URL, which only one recipient has"),
    column("label", CodePointText, "The label of the message, given when sending"),
    column("final_url", CodePointText, "Where it leads"),
    column("clicks", BigInteger, "Clicks so far, by the gateway's own count"),
    column("views", BigInteger, "Views so far, by the gateway's own count"),
    column("first_at", Time, "The time of its first activity"),
    column("last_at", Time, "The time of its last activity"),
    changed_at(),
    column("last_total", BigInteger, "Clicks and views together at last_at"),
    index("ix_links_changed_at", ["changed_at"], _CHANGES),
    index("ix_links_tracking_url", ["tracking_url"], "trace, console: a short URL"),
    index("ix_links_label_first_at", ["label", "first_at"], "link_activity and click_curve of one label", WITH_LABEL),
    index(
        "ix_links_first_at",
        ["first_at"],
        "console: links by day; queries links_by_label, click_curve, sent_by_day, sent_by_label",
    ),
    comment="Tracked links that were clicked or viewed, one for each recipient; the others have no row",
)

link_events = Table(
    "link_events",
    metadata,
    key("sms_id", "That of the link"),
    key("tracking_url", "That of the link"),
    key("type", "click or view"),
    key("nth", "Its number among those of its type: a missing number is a webhook that never came", BigInteger),
    column("at", Time, "When it was reported"),
    index("ix_link_events_at", ["at"], _HISTORY),
    comment="Every click and view that was reported, each once",
)
