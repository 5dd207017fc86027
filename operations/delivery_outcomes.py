"""Delivery outcomes: what became of some deliveries, in rows, and in the records that they report on."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, func, select

from seven.aggregates import record_of
from store.schema import calls, deliveries, inbound_messages, link_events, links, messages

PORTION = 500
"""Ids in one query."""


@dataclass(frozen=True, slots=True)
class DeliveryOutcomes:
    """What became of some deliveries. Each record counts once, however many of them report on it."""

    outcomes: Mapping[str, int]
    """Number of deliveries by outcome."""
    repeats: int
    """Applied, with the content of an earlier delivery, one of these or any other."""
    late: int
    """Applied, no repeat, and of an earlier time than one of these that came before about the same record."""
    unreported: Mapping[str, int]
    """By kind, the clicks and views that the gateway counts in the totals of these links, and never reported."""
    messages: Mapping[str, int]
    """Number of messages by result."""
    calls: Mapping[str, int]
    """Number of calls by direction."""
    inbound_messages: int
    links: int

    @property
    def deliveries(self) -> int:
        """Number of deliveries with a row."""
        return sum(self.outcomes.values())


def count_stored(connection: Connection, ids: Sequence[str]) -> int:
    """How many of these deliveries have a row, up to the first portion of them that is not complete.

    In the order in which they came, since that is about the order in which they are applied.
    """
    stored = 0
    for portion in _portions(sorted(ids)):
        present = select(func.count()).where(deliveries.c.id.in_(portion))
        number = connection.execute(present).scalar_one()
        stored += number
        if number < len(portion):
            break
    return stored


def delivery_outcomes(connection: Connection, ids: Sequence[str]) -> DeliveryOutcomes:
    """What became of the deliveries with these ids; those without a row do not count."""
    outcomes: Counter[str] = Counter()
    subjects: dict[str, dict[str, None]] = {}
    repeats = late = 0
    ordered = sorted(ids)
    digests: set[str] = set()
    latest: dict[tuple[str, str], datetime] = {}
    for portion in _portions(ordered):
        rows = _rows(connection, portion)
        outcomes.update(row.outcome for row in rows)
        applied = [row for row in rows if row.outcome == "applied" and row.subject is not None]
        digests |= _digests_before(connection, ordered[0], [row.subject for row in applied])
        for row in applied:
            record = record_of(row.event_type, row.record) or ""
            key = record, row.subject
            subjects.setdefault(record, {})[row.subject] = None
            repeats += row.digest in digests
            late += row.digest not in digests and row.event_at < latest.get(key, row.event_at)
            digests |= {row.digest} - {None}
            latest[key] = max(row.event_at, latest.get(key, row.event_at))
    tracked = [subject.partition(" ")[0] for subject in subjects.get(links.name, ())]
    return DeliveryOutcomes(
        outcomes=dict(outcomes.most_common()),
        repeats=repeats,
        late=late,
        unreported=_unreported(connection, tracked),
        messages=_counts(connection, messages.c.msg_id, [*subjects.get(messages.name, ())], messages.c.result),
        calls=_calls(subjects),
        inbound_messages=len(subjects.get(inbound_messages.name, ())),
        links=len(subjects.get(links.name, ())),
    )


def _rows(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    c = deliveries.c
    query = (
        select(c.event_type, c.record, c.subject, c.event_at, c.digest, c.outcome).where(c.id.in_(ids)).order_by(c.id)
    )
    return connection.execute(query).all()


def _digests_before(connection: Connection, first_id: str, subjects: Sequence[str]) -> set[str]:
    """Digests of deliveries about these subjects that came before this one, by the index on subjects."""
    c = deliveries.c
    query = select(c.digest).where(c.subject.in_(set(subjects)), c.id < first_id, c.digest.is_not(None))
    return set(connection.execute(query.distinct()).scalars())


def _counts(connection: Connection, key: Column[str], keys: Sequence[str], column: Column[str]) -> dict[str, int]:
    """Number of rows with these keys by the value of a column."""
    counts: Counter[str] = Counter()
    for portion in _portions(keys):
        query = select(column, func.count()).where(key.in_(portion)).group_by(column)
        counts.update({value or "unknown": number for value, number in connection.execute(query)})
    return dict(counts.most_common())


def _calls(subjects: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Number of calls by direction, the first word of their subjects."""
    return dict(Counter(subject.partition(" ")[0] for subject in subjects.get(calls.name, ())).most_common())


def _unreported(connection: Connection, sms_ids: Sequence[str]) -> dict[str, int]:
    unreported: Counter[str] = Counter()
    for portion in _portions([*dict.fromkeys(sms_ids)]):
        totals = select(func.sum(links.c.clicks), func.sum(links.c.views)).where(links.c.sms_id.in_(portion))
        clicks, views = connection.execute(totals).one()
        reported = _counts(connection, link_events.c.sms_id, portion, link_events.c.type)
        unreported.update(
            {"click": (clicks or 0) - reported.get("click", 0), "view": (views or 0) - reported.get("view", 0)}
        )
    return {kind: number for kind, number in unreported.items() if number > 0}


def _portions(items: Sequence[str]) -> Iterator[Sequence[str]]:
    return (items[start : start + PORTION] for start in range(0, len(items), PORTION))
