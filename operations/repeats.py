"""Repeats: whether a delivery has the content of an earlier one, as far as earlier ones are kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from seven.journal import JOURNAL
from store.schema import NOT_APPLIED, deliveries


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery's row, and the first one with the same content; None without an earlier one."""

    outcome: str
    repeat_of: str | None = None
    first_received_at: datetime | None = None


def stored_delivery(connection: Connection, delivery_id: str) -> StoredDelivery | None:
    """The delivery with this id; None while it has no row.

    Retention and erasure remove contents, so "no repeat" means: of none that is kept. It is searched by the index on
    subjects; without a subject, as when it is parked, among what was not applied either.
    """
    c = deliveries.c
    own = connection.execute(select(c.subject, c.digest, c.outcome).where(c.id == delivery_id)).one_or_none()
    if own is None:
        return None
    if own.digest is None:
        return StoredDelivery(own.outcome)
    among = NOT_APPLIED if own.subject is None else c.subject == own.subject
    earlier = select(c.id, c.received_at).where(
        among, c.digest == own.digest, c.id < delivery_id, c.request_method.is_distinct_from(JOURNAL)
    )
    first = connection.execute(earlier.order_by(c.id).limit(1)).one_or_none()
    return StoredDelivery(own.outcome) if first is None else StoredDelivery(own.outcome, first.id, first.received_at)
