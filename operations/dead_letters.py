"""Dead letters: select, list, count and read the deliveries that were not applied."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from seven.archive_records import ArchivedDelivery, DeadLetter, DeadLetterFailure
from seven.events import names_of
from seven.record import Record
from seven.summaries import summarise
from store.record_rows import KEYS_AT_ONCE, read_records, select_records
from store.schema import NOT_APPLIED, OPEN_OUTCOMES, dead_letter_failures, dead_letters, deliveries

JOINED = deliveries.outerjoin(dead_letters, dead_letters.c.id == deliveries.c.id)
# A dead letter keeps the latest reason; the delivery's row keeps the greatest of several, by its join.
REASON = case(
    (deliveries.c.outcome == "dead", func.coalesce(dead_letters.c.reason, deliveries.c.reason)),
    else_=deliveries.c.reason,
)
RECEIVED_AT = func.coalesce(deliveries.c.received_at, dead_letters.c.failed_at)
"""An unreadable batch has no time of receipt."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects deliveries by `outcomes` and by every other field that is set."""

    ids: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = OPEN_OUTCOMES
    event_types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Client addresses, spelled as the database stores them."""
    reason: str = ""
    """A part of the reason; case does not matter."""
    since: datetime | None = None
    """Inclusive bound on the time of receipt."""
    until: datetime | None = None
    """Exclusive bound on the time of receipt."""
    limit: int | None = None
    """Selects only so many, the newest ones."""

    @property
    def condition(self) -> ColumnElement[bool]:
        """The selection in SQL, without `ids` and `limit`."""
        conditions: list[ColumnElement[bool]] = [NOT_APPLIED, deliveries.c.outcome.in_(self.outcomes)]
        if self.event_types:
            names = [name for event_type in self.event_types for name in names_of(event_type)]
            conditions.append(deliveries.c.event_type.in_(names))
        if self.sources:
            conditions.append(deliveries.c.source.in_(self.sources))
        if self.reason:
            conditions.append(REASON.icontains(self.reason, autoescape=True))
        if self.since is not None:
            conditions.append(self.since <= RECEIVED_AT)
        if self.until is not None:
            conditions.append(self.until > RECEIVED_AT)
        return and_(*conditions)


@dataclass(frozen=True, slots=True)
class Unapplied:
    """One delivery that was not applied, with its dead letter if there is one."""

    delivery: ArchivedDelivery
    letter: DeadLetter | None = None


def select_ids(connection: Connection, selection: Selection) -> list[str]:
    """The ids of the selected deliveries, newest first: ids sort by time of receipt."""
    return [row[0] for row in _rows(connection, select(deliveries.c.id), selection)]


def list_unapplied(connection: Connection, selection: Selection) -> list[dict[str, Any]]:
    """The columns that a list shows of the selected deliveries, newest first."""
    query = select(
        deliveries.c.id, deliveries.c.outcome, deliveries.c.event_type, REASON.label("reason"),
        deliveries.c.received_at, deliveries.c.source, dead_letters.c.failed_at, dead_letters.c.attempts,
        dead_letters.c.replayed_at,
    )  # fmt: skip
    return [dict(row._mapping) for row in _rows(connection, query, selection)]


def count_groups(connection: Connection, selection: Selection) -> list[dict[str, Any]]:
    """Count the selected deliveries by outcome, event type and reason, largest group first; ignores `limit`."""
    names = ("outcome", "event_type", "reason")
    counts: dict[tuple[Any, ...], int] = {}
    query = select(deliveries.c.outcome, deliveries.c.event_type, REASON.label("reason"), func.count())
    for condition in _conditions(selection):
        grouped = query.select_from(JOINED).where(condition).group_by(*query.selected_columns[:3])
        for *group, number in connection.execute(grouped):
            counts[tuple(group)] = counts.get(tuple(group), 0) + number
    largest_first = sorted(counts.items(), key=lambda count: (-count[1], repr(count[0])))
    return [{**dict(zip(names, group, strict=True)), "deliveries": number} for group, number in largest_first]


def read_unapplied(connection: Connection, ids: Collection[str], lock: bool = False) -> list[Unapplied]:
    """The deliveries among `ids` that are not applied, in the order of their ids.

    `lock` keeps other transactions from changing or erasing them until this one ends.
    """
    query = select_records("deliveries", and_(deliveries.c.id.in_(ids), NOT_APPLIED)).order_by(deliveries.c.id)
    rows = connection.execute(query.with_for_update() if lock else query).mappings().all()
    archived = [ArchivedDelivery(**row) for row in rows]
    letters = read_records(connection, [(DeadLetter.table, (delivery.id,)) for delivery in archived])
    return [Unapplied(delivery, _letter(letters.get((DeadLetter.table, (delivery.id,))))) for delivery in archived]


class Content(NamedTuple):
    """What a delivery was about, where that is known, and what it said, for people."""

    subject: str | None
    summary: str


def read_contents(connection: Connection, ids: Collection[str]) -> dict[str, Content]:
    """Of each of a few deliveries, by its id."""
    c = deliveries.c
    rows = connection.execute(select(c.id, c.event_type, c.subject, c.payload).where(c.id.in_(ids)))
    return {row.id: Content(row.subject, summarise(row.event_type, row.payload, masked=True)) for row in rows}


def read_failures(connection: Connection, ids: Collection[str]) -> list[DeadLetterFailure]:
    """The failed attempts of these deliveries, in order."""
    c = dead_letter_failures.c
    query = select_records(DeadLetterFailure.table, c.id.in_(ids)).order_by(c.id, c.attempt)
    return [DeadLetterFailure(**row) for row in connection.execute(query).mappings()]


def _rows(connection: Connection, query: Select[Any], selection: Selection) -> list[Any]:
    rows: list[Any] = []
    for condition in _conditions(selection):
        newest_first = query.select_from(JOINED).where(condition).order_by(deliveries.c.id.desc())
        rows += connection.execute(newest_first.limit(selection.limit) if selection.limit else newest_first)
    return sorted(rows, key=lambda row: str(row.id), reverse=True)[: selection.limit]


def _conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """One condition; for many ids several, each delivery in one of them: a statement's parameters are bounded."""
    if not selection.ids:
        return [selection.condition]
    ids: Sequence[str] = sorted(set(selection.ids))
    return [
        and_(selection.condition, deliveries.c.id.in_(ids[start : start + KEYS_AT_ONCE]))
        for start in range(0, len(ids), KEYS_AT_ONCE)
    ]


def _letter(record: Record | None) -> DeadLetter | None:
    return record if isinstance(record, DeadLetter) else None
