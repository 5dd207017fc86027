"""The list of opt-outs: what it shows, in which order, and by what it can be narrowed."""

from operations.record_lists.filters import choice, days_of, spelled
from operations.record_lists.record_list import ListColumn, RecordList
from seven.opt_outs import CHANNELS
from store.schema import opt_outs

OPT_OUTS = RecordList(
    "opt-outs",
    "Opt-outs",
    "Who does not want our messages, the latest first. One that has ended is in its number's story.",
    "Nobody has opted out.",
    opt_outs,
    (
        ListColumn("since", "Since", opt_outs.c.since),
        ListColumn("number", "Number", opt_outs.c.number),
        ListColumn("recipient", "Of", opt_outs.c.recipient),
        ListColumn("channel", "Channel", opt_outs.c.channel),
        ListColumn("word", "Word or note", opt_outs.c.word),
        ListColumn("inbound_id", "Id", opt_outs.c.inbound_id),
    ),
    (opt_outs.c.since, opt_outs.c.number, opt_outs.c.recipient, opt_outs.c.channel),
    (
        choice("channel", "Channel", opt_outs.c.channel, CHANNELS),
        *days_of(opt_outs.c.since),
    ),
    window=(spelled(opt_outs.c.state, "=", "out"),),
)
