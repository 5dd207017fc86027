"""Deliveries about an id that made no record: parked, quarantined or dead in the database, or pending in the ledger.

Their subject is not known, or was not read yet, so their payloads are searched: only the newest, so that a look-up
stays quick beside a million parked deliveries.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select, union_all

from ledger.batch import Batch
from ledger.client import Ledger
from ledger.scan import pending_batches
from operations.trace_terms import Terms
from runtime.trace_ids import trace_id
from seven.delivery import Payload
from seven.envelope import RAW, Envelope
from seven.errors import NotUnderstood, UnreadableEnvelope
from seven.summaries import summarise
from store.schema import NOT_APPLIED, OPEN_OUTCOMES, deliveries

SEARCHED_OF_EACH_OUTCOME = 1000
MOST_LISTED = 20
MOST_BATCHES = 500
MOST_S = 2.0
"""Of the search in the ledger."""

Row = dict[str, Any]


def unapplied_about(connection: Connection, terms: Terms, columns: Sequence[Any]) -> tuple[list[Row], bool]:
    """The parked, quarantined and dead deliveries whose payload has the terms, the oldest first.

    The second value says whether all were searched and listed. Rows have `columns` and the payload.
    """
    newest = [
        select(deliveries.c.id, deliveries.c.payload)
        .where(deliveries.c.outcome == outcome, NOT_APPLIED)
        .order_by(deliveries.c.id.desc())
        .limit(SEARCHED_OF_EACH_OUTCOME)
        .subquery()
        for outcome in OPEN_OUTCOMES
    ]
    candidates = union_all(
        *(
            select(each.c.id, each.c.payload).where(
                or_(
                    each.c.payload.startswith(RAW),
                    *(each.c.payload.icontains(needle, autoescape=True) for needle in terms.needles),
                )
            )
            for each in newest
        )
    )
    rows = connection.execute(candidates).all()
    ids = sorted((row.id for row in rows if terms.is_in_payload(row.payload)), reverse=True)
    query = select(*columns, deliveries.c.payload).where(deliveries.c.id.in_(ids[:MOST_LISTED]))
    matching = connection.execute(query.order_by(deliveries.c.id)).mappings()
    whole = len(ids) <= MOST_LISTED and not any(
        connection.execute(select(each.c.id).offset(SEARCHED_OF_EACH_OUTCOME - 1).limit(1)).first() for each in newest
    )
    return [dict(row) for row in matching], whole


@dataclass(frozen=True, slots=True)
class PendingSearch:
    """Deliveries that a worker has not written yet."""

    deliveries: list[Row]
    """`id`, `trace_id`, `event_type`, `received_at`, `summary` of each, the oldest first in its queue."""
    complete: bool
    """Whether all that was pending was searched, and is listed."""


def pending_about(
    ledger: Ledger, terms: Terms, subjects: Collection[str] = (), clock: Callable[[], float] = time.monotonic
) -> PendingSearch:
    """The deliveries pending in the ledger that have the terms, or are about these subjects.

    Bounded in batches and time. Raises redis.RedisError when Redis does not answer.
    """
    until, matching = clock() + MOST_S, list[Row]()
    needles = [needle.encode() for needle in (*terms.needles, *(subject.lower() for subject in subjects))]
    for number, batch in enumerate(pending_batches(ledger)):
        if number >= MOST_BATCHES or clock() > until or len(matching) >= MOST_LISTED:
            return PendingSearch(matching[:MOST_LISTED], complete=False)
        for envelope in _envelopes(batch, needles):
            if (
                terms.is_in_payload(envelope.payload_text)
                or terms.typed == envelope.id
                or _subject(envelope) in subjects
            ):
                matching.append(_shown(envelope))
    return PendingSearch(matching, complete=len(matching) <= MOST_LISTED)


def _envelopes(batch: object, needles: Sequence[bytes]) -> Iterator[Envelope]:
    """Those that may have one of the needles. What cannot be read becomes a dead letter, which the database has."""
    for line in batch.lines if isinstance(batch, Batch) else ():
        lower = line.lower()
        if RAW.encode() in lower or any(needle in lower for needle in needles):
            try:
                yield Envelope.parse(line)
            except UnreadableEnvelope:
                continue


def _subject(envelope: Envelope) -> str | None:
    try:
        payload = Payload.of(envelope.fields, envelope.event_type)
        return payload.event(envelope.received_at).subject
    except NotUnderstood:
        return None


def _shown(envelope: Envelope) -> dict[str, str | datetime | None]:
    return {
        "id": envelope.id,
        "trace_id": trace_id(envelope.id),
        "event_type": envelope.event_type,
        "received_at": envelope.received_at,
        "summary": summarise(envelope.event_type, envelope.payload_text),
    }
