"""Sent messages: what we sent, to whom and at what price, from the gateway's journal or from whoever sends.

Not partitioned: a message has one row by its id alone (docs/decisions/0034).
"""

from sqlalchemy import Table, text

from store.schema.columns import ANY_CASE_FOREIGN_ID, changed_at, column, index, key, metadata
from store.types import CodePointText, Euros, Time

WITH_SENT_TEXT = text("text IS NOT NULL")
_WITH_LABEL = text("label IS NOT NULL")
_WITH_RECIPIENT = text("recipient IS NOT NULL")
_WITH_FOREIGN_ID = text("foreign_id IS NOT NULL")

sent_messages = Table(
    "sent_messages",
    metadata,
    key("msg_id", "That of the message: messages.msg_id, links.sms_id"),
    column("sent_at", Time, "When it was sent, or is to be sent; NULL where the journal has an impossible time"),
    column("recipient", CodePointText, "The number that it was sent to; NULL once forgotten"),
    column("sender", CodePointText, "Our number or name that it was sent from"),
    column("label", CodePointText, "Its label, given when sending"),
    column("foreign_id", CodePointText, "Your own id, given when sending"),
    column("price", Euros, "Euros, by the latest reading of the journal"),
    column(
        "mccmnc", CodePointText, "The network: three digits of its country, then its own; 26201 is Telekom in Germany"
    ),
    column("channel", CodePointText, "As the journal names it"),
    column("connection", CodePointText, "How it was handed to the gateway: http, smtp, …"),
    column("text", CodePointText, "What was written; only with SEVEN_JOURNAL_TEXTS=true, blanked when old"),
    column(
        "journal_read_at",
        Time,
        "When a reading of the journal last changed this row, or `forget` blanked one that its sender wrote; else NULL",
    ),
    changed_at(),
    index("ix_sent_messages_changed_at", ["changed_at"], "docs/react.md: what is new; retention: rows without a time"),
    index(
        "ix_sent_messages_sent_at_msg_id",
        ["sent_at", "msg_id"],
        "console: the list and its plot; retention: the oldest; queries sent_by_day, sent_by_label, sent_by_network",
    ),
    index(
        "ix_sent_messages_sent_at_text", ["sent_at"], "retention: texts to blank; blanked rows leave it", WITH_SENT_TEXT
    ),
    index(
        "ix_sent_messages_label_sent_at_msg_id",
        ["label", "sent_at", "msg_id"],
        "console: messages of one label; forget: who else has it",
        _WITH_LABEL,
    ),
    index("ix_sent_messages_recipient", ["recipient"], "trace: what was sent to a number", _WITH_RECIPIENT),
    index(
        "ix_sent_messages_lower_foreign_id",
        [ANY_CASE_FOREIGN_ID],
        "trace: a foreign id in any case, also of a message without a report",
        _WITH_FOREIGN_ID,
    ),
    comment="The messages that we sent: to whom, from whom, at what price; read with SEVEN_JOURNAL_SENT=true",
)
