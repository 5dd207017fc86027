"""Journal: what the gateway's journal says that its webhooks did not, and when they should have."""

from sqlalchemy import Table

from store.schema.columns import column, index, key, metadata
from store.types import CodePointText, Time

missed_webhooks = Table(
    "missed_webhooks",
    metadata,
    key("event_type", "dlr, sms_mo, voice_status or voice_call"),
    key("id", "The gateway's id of the message or call"),
    key("status", "The latest status in the journal; empty for what has none"),
    column("found_at", Time, "When its absence was first noticed"),
    column("journal_at", Time, "When it happened, by the journal"),
    column("came_at", Time, "When it was noticed that the webhook came after all"),
    column(
        "state",
        CodePointText,
        "uncovered: none of our hooks should have brought it; late: the gateway may still retry; missed; came",
    ),
    index(
        "ix_missed_webhooks_journal_at_event_type_id_status",
        ["journal_at", "event_type", "id", "status"],
        "console: the list; the meter: those that may still come; missed_by_day; retention",
    ),
    comment="Webhooks that should be here, by the gateway's journal, and did not come within 15 minutes",
)

hook_spans = Table(
    "hook_spans",
    metadata,
    key("hook_id", "The gateway's id of one of our hooks"),
    key("first_at", "When it was first seen enabled", Time),
    column("account", CodePointText, "A fingerprint of the account at the gateway"),
    column("event_type", CodePointText, "That of the hook; all for every event"),
    column("filter_digest", CodePointText, "A digest of the hook's filter, one of our numbers; NULL without one"),
    column("last_at", Time, "When it was last seen so"),
    column("closed_at", Time, "When it was first seen to be gone, or disabled"),
    index("ix_hook_spans_last_at", ["last_at"], "the meter: which hooks were there at a time; retention"),
    comment="When which of our hooks were seen enabled at the gateway: only what they should have brought is missed",
)
