"""Opt-outs: who does not want to be written to, and whom we have forgotten."""

from sqlalchemy import Table, text

from store.schema.columns import changed_at, column, index, key, metadata, undated_entry
from store.types import CodePointText, Time

_OUT = text("state = 'out'")
_CHANNEL = "sms, rcs or whatsapp"

opt_outs = Table(
    "opt_outs",
    metadata,
    key("number", "The number that wrote, in digits; of a forgotten number its hash"),
    key("recipient", "Our number or agent that it wrote to; empty for all of them"),
    key("channel", _CHANNEL),
    column("state", CodePointText, "out: do not write; in: they asked for it again"),
    column("word", CodePointText, "The word that they sent; of an entry made by hand its note"),
    column("since", Time, "When they sent it"),
    column("inbound_id", CodePointText, "That of the inbound message; empty for an entry made by hand"),
    changed_at(),
    index("ix_opt_outs_changed_at", ["changed_at"], "docs/react.md: what is new since the last look"),
    index("ix_opt_outs_since", ["since"], "opt-outs list, console: the latest; view opted_out", _OUT),
    comment="Who opted out of our messages, or in again: the latest word of each number to each recipient",
)

opt_out_events = Table(
    "opt_out_events",
    metadata,
    key("number", "As in opt_outs"),
    key("recipient", "As in opt_outs"),
    key("channel", _CHANNEL),
    key("at", "When they sent it", Time),
    key("state", "out or in"),
    key("inbound_id", "That of the inbound message; empty for an entry made by hand"),
    column("word", CodePointText, "The word that they sent; of an entry made by hand its note"),
    undated_entry(),
    index("ix_opt_out_events_inbound_id", ["inbound_id"], "dispatch: the opt-out that a message brought"),
    comment="Every STOP and START, each once",
)

forgotten = Table(
    "forgotten",
    metadata,
    key("hash", "HMAC-SHA256 of a forgotten number by SEVEN_ERASURE_KEY"),
    column("at", Time, "When it was forgotten: what is dated before is blanked on its way in"),
    column("fingerprint", CodePointText, "Of the key that made the hash: another key does not recognise the number"),
    comment="Numbers that were forgotten, as hashes: none can be read from them",
)
