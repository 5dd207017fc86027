"""Changes: how the standing of a record moved, which is what subscribers are notified of.

Repeats, replays of what is known, and whatever arrives late change nothing, so they are no change: neither is the same
status at another time, nor an id that is learnt later. What is merged at once is one change. A change has ids and
statuses, and of a link its short URL, but no number and no text: those are read when it is sent.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from seven import topics
from seven.change_keys import NO_STATUS, call_key, link_key, missed_key


class NotedChange(NamedTuple):
    """One change of one record, as it is noted: thin."""

    topic: str
    key: str
    """The record's id, as deliveries have it as their subject; of clicks and views followed by which it was."""
    was: str | None
    """Its standing before: that of the change before, or of before anyone subscribed; None for a new record."""
    now: str
    at: datetime | None
    """When it came to stand so; None where the gateway reported no time."""


State = Any
"""A record, or a row of its table: its fields are attributes."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What of a table's rows is compared."""

    topics: frozenset[str]
    columns: tuple[str, ...]
    """Beside the key."""
    compare: Callable[[State | None, State], Iterator[NotedChange]]
    """The changes from one state of a row, None for none, to a later one."""


def _was(before: State | None, name: str) -> Any:
    return None if before is None else getattr(before, name)


def _message(before: State | None, after: State) -> Iterator[NotedChange]:
    was, now = _was(before, "status"), after.status
    if now is not None and now != was:
        yield NotedChange(f"message.{after.result or 'unknown'}", after.msg_id, was, now, after.status_at)
    if after.read_at is not None and (before is None or before.read_at is None):
        yield NotedChange(topics.READ, after.msg_id, None, "READ", after.read_at)


def _inbound(before: State | None, after: State) -> Iterator[NotedChange]:
    if before is None:
        yield NotedChange(topics.INBOUND, after.id, None, "received", after.sent_at)


def _call(before: State | None, after: State) -> Iterator[NotedChange]:
    key = call_key(after.direction, after.call_id)
    if before is None and after.direction == "inbound":
        yield NotedChange(topics.CALL_RECEIVED, key, None, "received", after.started_at)
    was, now = _was(before, "status"), after.status
    if now is not None and now != was:
        yield NotedChange(topics.CALL_STATUS, key, was, now, after.status_at)


def _link(before: State | None, after: State) -> Iterator[NotedChange]:
    if before is None and after.type in topics.LINKS:
        key = link_key(after.sms_id, after.tracking_url, after.type, after.nth)
        yield NotedChange(topics.LINKS[after.type], key, None, after.type, after.at)


def _opt_out(before: State | None, after: State) -> Iterator[NotedChange]:
    """By the message that said so: the number is no part of a change. Entries made by hand have none."""
    was, now = _was(before, "state"), after.state
    if now in topics.OPT_OUTS and now != was and after.inbound_id:
        yield NotedChange(topics.OPT_OUTS[now], after.inbound_id, was, now, after.since)


def _missed(before: State | None, after: State) -> Iterator[NotedChange]:
    if after.state == "missed" and (before is None or before.state != "missed"):
        key = missed_key(after.event_type, after.id, after.status)
        yield NotedChange(topics.MISSED, key, None, after.status or NO_STATUS, after.journal_at)


WATCHES: Mapping[str, Watch] = {
    "messages": Watch(
        frozenset((*topics.MESSAGE, topics.READ)), ("status", "result", "status_at", "read_at"), _message
    ),
    "inbound_messages": Watch(frozenset((topics.INBOUND,)), ("sent_at",), _inbound),
    "calls": Watch(frozenset((topics.CALL_RECEIVED, topics.CALL_STATUS)), ("status", "status_at", "started_at"), _call),
    "link_events": Watch(frozenset(topics.LINKS.values()), ("at",), _link),
    "opt_outs": Watch(frozenset(topics.OPT_OUTS.values()), ("state", "since", "inbound_id"), _opt_out),
    "missed_webhooks": Watch(frozenset((topics.MISSED,)), ("state", "journal_at"), _missed),
}
"""By table."""
