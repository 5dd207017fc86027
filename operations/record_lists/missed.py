"""The list of missed webhooks: what it shows, in which order, and by what it can be narrowed."""

from operations.record_lists.filters import choice, days_of
from operations.record_lists.record_list import ListColumn, RecordList
from seven.journal import JOURNALED
from seven.records import WEBHOOK_STATES
from store.schema import missed_webhooks

_MISSED = missed_webhooks.c

MISSED = RecordList(
    "missed",
    "Missed webhooks",
    "Webhooks that were not here 15 minutes after what they report, by the gateway's journal, the latest first: late "
    "(the gateway may still retry), missed (it does not any more) or came (here after all).",
    "No webhook has been missed, as far as the gateway's journal was read.",
    missed_webhooks,
    (
        ListColumn("journal_at", "Happened", _MISSED.journal_at),
        ListColumn("id", "Id", _MISSED.id),
        ListColumn("event_type", "Event type", _MISSED.event_type),
        ListColumn("status", "Status", _MISSED.status),
        ListColumn("state", "State", _MISSED.state),
        ListColumn("found_at", "Noticed", _MISSED.found_at),
        ListColumn("came_at", "Came", _MISSED.came_at),
    ),
    (_MISSED.journal_at, _MISSED.event_type, _MISSED.id, _MISSED.status),
    (
        choice("state", "State", _MISSED.state, WEBHOOK_STATES),
        choice("event_type", "Event type", _MISSED.event_type, tuple(JOURNALED)),
        *days_of(_MISSED.journal_at),
    ),
    defaults={"state": _MISSED.state != "uncovered"},
)
