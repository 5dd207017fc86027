"""Journal coverage: whether the journal goes back as far as it was asked for.

How long it keeps what is a setting of each account, and it can be switched off: an empty list does not mean that
nothing was sent. What is here, older than all that is listed, and not known by its id either shows it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, true

from seven.digest import is_short_digest
from seven.journal import JournalRow
from store.schema import calls, inbound_messages, messages

SLACK = timedelta(hours=1)
"""A status is reported some time after the row that it is about."""
ASKED = 5
"""Rows here that are asked for by id: one that was sent before the range may have been reported in it."""

_ROWS = {
    "dlr": (messages.c.msg_id, messages.c.first_seen_at, true()),
    "sms_mo": (inbound_messages.c.id, inbound_messages.c.sent_at, inbound_messages.c.channel == "sms"),
    "voice_status": (calls.c.call_id, calls.c.started_at, calls.c.direction == "outbound"),
    "voice_call": (calls.c.call_id, calls.c.started_at, calls.c.direction == "inbound"),
}

ById = Callable[[str, str], JournalRow | None]
"""The journal's row of an event type with an id."""


def first_unlisted(
    connection: Connection,
    event_type: str,
    since: datetime,
    until: datetime,
    oldest_at: datetime | None,
    *,
    by_id: ById,
) -> datetime | None:
    """The time of a row here, in a range, that the journal should have and has not; None where there is none.

    `oldest_at` is the time of the journal's oldest row, None where it has no row at all. Raises what `by_id` raises.
    """
    end = until - SLACK if oldest_at is None else min(oldest_at - SLACK, until)
    id_, at, condition = _ROWS[event_type]
    older = select(id_, at).where(at >= since, at < end, condition).order_by(at).limit(ASKED)
    for unlisted_id, unlisted_at in connection.execute(older).all():
        if not is_short_digest(unlisted_id) and by_id(event_type, unlisted_id) is None:
            first: datetime = unlisted_at
            return first
    return None
