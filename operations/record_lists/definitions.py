"""Definitions of the lists: what each shows, in which order, and by what it can be narrowed."""

from sqlalchemy import func

from operations.dead_letters import JOINED, REASON, RECEIVED_AT
from operations.record_lists.filters import Conditions, Filter, choice, days_of, days_of_ids, part, word
from operations.record_lists.messages import MESSAGES
from operations.record_lists.missed import MISSED
from operations.record_lists.opt_outs import OPT_OUTS
from operations.record_lists.record_list import ListColumn, RecordList
from operations.record_lists.sent import SENT
from seven.archive_records import OUTCOMES
from seven.call_reports import STATUSES as CALL_STATUSES
from seven.events import EVENT_TYPES
from store.schema import (
    NOT_APPLIED,
    OPEN_OUTCOMES,
    calls,
    dead_letters,
    deliveries,
    hook_changes,
    inbound_messages,
    links,
)

ACTIONS = ("missing", "drifted", "surplus", "stranger", "created", "removed", "refused")
NOT_APPLIED_OUTCOMES = tuple(outcome for outcome in OUTCOMES if outcome != "applied")


def _outcome(value: str) -> Conditions:
    has_it = deliveries.c.outcome == value
    return ((), (has_it,)) if value == "applied" else ((NOT_APPLIED,), (has_it,))


def _label(text: str) -> Conditions:
    return (links.c.label == text,), ()


def _clicked(value: str) -> Conditions:
    return (), ((links.c.clicks > 0) if value == "yes" else (links.c.clicks.is_(None) | (links.c.clicks == 0)),)


INBOUND = RecordList(
    "inbound",
    "Inbound messages",
    "Messages that people sent to our numbers and agents, the latest first.",
    "Nobody has sent a message to one of our numbers or agents yet.",
    inbound_messages,
    (
        ListColumn("sent_at", "Sent", inbound_messages.c.sent_at),
        ListColumn("id", "Id", inbound_messages.c.id),
        ListColumn("sender", "From", inbound_messages.c.sender),
        ListColumn("recipient", "To", inbound_messages.c.recipient),
        ListColumn("agent_id", "To agent", inbound_messages.c.agent_id),
        ListColumn("channel", "Channel", inbound_messages.c.channel),
        ListColumn("text", "Text", inbound_messages.c.text),
        ListColumn("content_type", "Content", inbound_messages.c.content_type),
        ListColumn("latitude", "Latitude", inbound_messages.c.latitude),
        ListColumn("longitude", "Longitude", inbound_messages.c.longitude),
    ),
    (inbound_messages.c.sent_at, inbound_messages.c.id),
    (
        choice("channel", "Channel", inbound_messages.c.channel, ("sms", "rcs", "whatsapp")),
        *days_of(inbound_messages.c.sent_at),
    ),
)

CALLS = RecordList(
    "calls",
    "Calls",
    "Calls that we placed (outbound) and that came in (inbound), the latest first.",
    "No call has been reported yet.",
    calls,
    (
        ListColumn("started_at", "Started", calls.c.started_at),
        ListColumn("call_id", "Call", calls.c.call_id),
        ListColumn("direction", "Direction", calls.c.direction),
        ListColumn("caller", "From", calls.c.caller),
        ListColumn("recipient", "To", calls.c.recipient),
        ListColumn("status", "Status", calls.c.status),
        ListColumn("duration_s", "Seconds", calls.c.duration_s),
        ListColumn("foreign_id", "Foreign id", calls.c.foreign_id),
    ),
    (calls.c.started_at, calls.c.direction, calls.c.call_id),
    (
        choice("direction", "Direction", calls.c.direction, ("inbound", "outbound")),
        word("status", "Status", calls.c.status, (*CALL_STATUSES.passing, *CALL_STATUSES.final)),
        *days_of(calls.c.started_at),
    ),
)

LINKS = RecordList(
    "links",
    "Links",
    "Short URLs that were clicked or viewed, one for each recipient and link, in the order of their first activity. "
    "The gateway reports no link before that.",
    "No link has been clicked or viewed yet.",
    links,
    (
        ListColumn("first_at", "First activity", links.c.first_at),
        ListColumn("sms_id", "Message", links.c.sms_id),
        ListColumn("last_at", "Last activity", links.c.last_at),
        ListColumn("label", "Label", links.c.label),
        ListColumn("tracking_url", "Short URL", links.c.tracking_url),
        ListColumn("final_url", "Leads to", links.c.final_url),
        ListColumn("clicks", "Clicks", links.c.clicks),
        ListColumn("views", "Views", links.c.views),
    ),
    (links.c.first_at, links.c.sms_id, links.c.tracking_url),
    (
        Filter("label", "Label", "text", _label),
        Filter("clicked", "Clicked", "choice", _clicked, ("yes", "no")),
        *days_of(links.c.first_at),
    ),
)

DELIVERIES = RecordList(
    "deliveries",
    "Deliveries",
    "Every webhook that the gateway delivered, with what became of it, the latest first.",
    "No delivery has arrived yet. To see a first one: seven-ingest send",
    deliveries,
    (
        ListColumn("received_at", "Received", deliveries.c.received_at),
        ListColumn("id", "Delivery", deliveries.c.id),
        ListColumn("event_type", "Event type", deliveries.c.event_type),
        ListColumn("subject", "About", deliveries.c.subject),
        ListColumn("payload", "What it said", deliveries.c.payload),
        ListColumn("outcome", "Outcome", deliveries.c.outcome),
        ListColumn("reason", "Reason", deliveries.c.reason),
    ),
    (deliveries.c.id,),
    (
        Filter("outcome", "Outcome", "choice", _outcome, OUTCOMES),
        word("event_type", "Event type", deliveries.c.event_type, tuple(EVENT_TYPES)),
        *days_of_ids(deliveries.c.id, deliveries.c.received_at),
    ),
)

DEAD_LETTERS = RecordList(
    "dead-letters",
    "Dead letters",
    "Deliveries that were kept and not applied, the latest first: parked (not understood), quarantined (the sender is "
    "in doubt) and dead (could not be stored). Nothing is lost: beside each stands what to do. Replaying parked ones "
    "helps after an upgrade to a version that understands them; seven-ingest dead show says what one would be today.",
    "Every delivery that was kept has been applied.",
    JOINED,
    (
        ListColumn("received_at", "Received", RECEIVED_AT),
        ListColumn("id", "Delivery", deliveries.c.id),
        ListColumn("outcome", "Outcome", deliveries.c.outcome),
        ListColumn("event_type", "Event type", deliveries.c.event_type),
        ListColumn("reason", "Reason", REASON),
        ListColumn("attempts", "Attempts", dead_letters.c.attempts),
        ListColumn("replayed_at", "Replayed", dead_letters.c.replayed_at),
        ListColumn("source", "Sent from", deliveries.c.source),
    ),
    (deliveries.c.id,),
    (
        choice("outcome", "Outcome", deliveries.c.outcome, NOT_APPLIED_OUTCOMES),
        word("event_type", "Event type", deliveries.c.event_type, tuple(EVENT_TYPES)),
        part("reason", "Reason contains", REASON),
        *days_of_ids(deliveries.c.id, RECEIVED_AT),
    ),
    window=(NOT_APPLIED,),
    defaults={"outcome": func.coalesce(deliveries.c.outcome, "").in_(OPEN_OUTCOMES)},
)

HOOK_CHANGES = RecordList(
    "hook-changes",
    "Hook changes",
    "What was wrong with our webhooks at the gateway, and what was done about it, the latest first.",
    "The webhooks at the gateway have been as they should be.",
    hook_changes,
    (
        ListColumn("at", "Time", hook_changes.c.at),
        ListColumn("action", "Change", hook_changes.c.action),
        ListColumn("event_type", "Event type", hook_changes.c.event_type),
        ListColumn("request_method", "Method", hook_changes.c.request_method),
        ListColumn("event_filter", "Filter", hook_changes.c.event_filter),
        ListColumn("applied", "Applied", hook_changes.c.applied),
        ListColumn("reason", "Reason", hook_changes.c.reason),
        ListColumn("hook_id", "Hook", hook_changes.c.hook_id),
    ),
    (hook_changes.c.id,),
    (
        choice("action", "Change", hook_changes.c.action, ACTIONS),
        word("event_type", "Event type", hook_changes.c.event_type, ("all", *EVENT_TYPES)),
        *days_of_ids(hook_changes.c.id, hook_changes.c.at),
    ),
)

LISTS = {
    its.name: its
    for its in (
        MESSAGES,
        SENT,
        INBOUND,
        OPT_OUTS,
        CALLS,
        LINKS,
        DELIVERIES,
        DEAD_LETTERS,
        MISSED,
        HOOK_CHANGES,
    )
}
"""Every list by its name."""
