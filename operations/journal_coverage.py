"""Journal coverage: whether the journal goes back as far as it was asked for.

How long it keeps what is a setting of each account, and it can be switched off: an empty list does not mean that
nothing was sent. What is here and older than all that is listed shows it.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select, true

from store.schema import calls, inbound_messages, messages

SLACK = timedelta(hours=1)
"""A status is reported some time after the row that it is about."""
REPORTED_WITHIN = timedelta(days=3)
"""A message whose first report came sooner after the range begins may have been sent before: EXPIRED takes two days."""

_TIMES = {
    "dlr": (messages.c.first_seen_at, true()),
    "sms_mo": (inbound_messages.c.sent_at, inbound_messages.c.channel == "sms"),
    "voice_status": (calls.c.started_at, calls.c.direction == "outbound"),
    "voice_call": (calls.c.started_at, calls.c.direction == "inbound"),
}


def first_unlisted(
    connection: Connection, event_type: str, since: datetime, until: datetime, oldest_at: datetime | None
) -> datetime | None:
    """The time of the first row here, in a range, that is older than all of the journal's; None where there is none.

    `oldest_at` is the time of the journal's oldest row, None where it has no row at all.
    """
    end = until - SLACK if oldest_at is None else min(oldest_at - SLACK, until)
    at, condition = _TIMES[event_type]
    since += REPORTED_WITHIN if event_type == "dlr" else timedelta(0)
    in_range: ColumnElement[bool] = (at >= since) & (at < end)
    first: datetime | None = connection.execute(select(func.min(at)).where(in_range, condition)).scalar_one()
    return first
