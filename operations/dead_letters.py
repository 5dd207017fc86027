"""Selecting: which of the deliveries that were not applied are meant, and what is kept of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal_column, select

from seven.records import ArchivedDelivery, DeadLetter, Failure, Record
from store.record_rows import KEYS_AT_ONCE, kept, select_records
from store.schema import dead_letter_failures, dead_letters, deliveries

OPEN = ("parked", "quarantined", "dead")
"""The outcomes that wait for somebody to look."""

_not_applied = deliveries.c.outcome != literal_column("'applied'")  # spelled as in the index that knows the few
_joined = deliveries.outerjoin(dead_letters, dead_letters.c.id == deliveries.c.id)
# A letter knows the latest reason; of a delivery's several reasons its row keeps the greatest.
_reason = case(
    (deliveries.c.outcome == "dead", func.coalesce(dead_letters.c.reason, deliveries.c.reason)),
    else_=deliveries.c.reason,
)
_at = func.coalesce(deliveries.c.received_at, dead_letters.c.failed_at)  # what was no batch has no time of receipt


@dataclass(frozen=True, slots=True)
class Selection:
    """Deliveries of which all holds that is told here: `outcomes` always, and whatever else is not empty."""

    ids: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = OPEN
    event_types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Addresses, as they are kept."""
    reason: str = ""
    """A part of the reason, in whichever case."""
    since: datetime | None = None
    """Received then or later."""
    until: datetime | None = None
    """Received before then."""
    limit: int | None = None
    """At most so many, the newest."""

    @property
    def condition(self) -> ColumnElement[bool]:
        """The same in SQL, but for `ids` and `limit`."""
        told: list[ColumnElement[bool]] = [_not_applied, deliveries.c.outcome.in_(self.outcomes)]
        if self.event_types:
            told.append(deliveries.c.event_type.in_(self.event_types))
        if self.sources:
            told.append(deliveries.c.source.in_(self.sources))
        if self.reason:
            told.append(_reason.icontains(self.reason, autoescape=True))
        if self.since is not None:
            told.append(_at >= self.since)
        if self.until is not None:
            told.append(_at < self.until)
        return and_(*told)


@dataclass(frozen=True, slots=True)
class Unapplied:
    """One delivery that was not applied, with its dead letter where it has one."""

    delivery: ArchivedDelivery
    letter: DeadLetter | None = None


def selected(connection: Connection, selection: Selection) -> list[str]:
    """The ids of the selected deliveries, the newest first: ids sort by time of receipt."""
    return [row[0] for row in _rows(connection, select(deliveries.c.id), selection)]


def listed(connection: Connection, selection: Selection) -> list[dict[str, Any]]:
    """What is worth listing of the selected deliveries, the newest first."""
    query = select(
        deliveries.c.id, deliveries.c.outcome, deliveries.c.event_type, _reason.label("reason"),
        deliveries.c.received_at, deliveries.c.source, dead_letters.c.failed_at, dead_letters.c.attempts,
        dead_letters.c.replayed_at,
    )  # fmt: skip
    return [dict(row._mapping) for row in _rows(connection, query, selection)]


def groups(connection: Connection, selection: Selection) -> list[dict[str, Any]]:
    """How many are selected of each outcome, event type and reason, the most first; `limit` does not count here."""
    names = ("outcome", "event_type", "reason")
    found: dict[tuple[Any, ...], int] = {}
    query = select(deliveries.c.outcome, deliveries.c.event_type, _reason.label("reason"), func.count())
    for condition in _conditions(selection):
        counted = query.select_from(_joined).where(condition).group_by(*query.selected_columns[:3])
        for *group, number in connection.execute(counted):
            found[tuple(group)] = found.get(tuple(group), 0) + number
    most_first = sorted(found.items(), key=lambda one: (-one[1], repr(one[0])))
    return [{**dict(zip(names, group, strict=True)), "deliveries": number} for group, number in most_first]


def unapplied(connection: Connection, ids: Collection[str], lock: bool = False) -> list[Unapplied]:
    """Those of these deliveries that are not applied, in the order of their ids.

    With `lock` nobody else changes or forgets them until this transaction ends.
    """
    query = select_records("deliveries", and_(deliveries.c.id.in_(ids), _not_applied)).order_by(deliveries.c.id)
    rows = connection.execute(query.with_for_update() if lock else query).mappings().all()
    found = [ArchivedDelivery(**row) for row in rows]
    letters = kept(connection, [(DeadLetter.table, (one.id,)) for one in found])
    return [Unapplied(one, _letter(letters.get((DeadLetter.table, (one.id,))))) for one in found]


def failures(connection: Connection, ids: Collection[str]) -> list[Failure]:
    """Each failed attempt at these deliveries, in order."""
    c = dead_letter_failures.c
    query = select_records(Failure.table, c.id.in_(ids)).order_by(c.id, c.attempt)
    return [Failure(**row) for row in connection.execute(query).mappings()]


def _rows(connection: Connection, query: Select[Any], selection: Selection) -> list[Any]:
    found: list[Any] = []
    for condition in _conditions(selection):
        some = query.select_from(_joined).where(condition).order_by(deliveries.c.id.desc())
        found += connection.execute(some.limit(selection.limit) if selection.limit else some)
    return sorted(found, key=lambda row: str(row.id), reverse=True)[: selection.limit]


def _conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """One condition, or with many ids several that select each delivery once: statements are bounded."""
    if not selection.ids:
        return [selection.condition]
    ids: Sequence[str] = sorted(set(selection.ids))
    return [
        and_(selection.condition, deliveries.c.id.in_(ids[start : start + KEYS_AT_ONCE]))
        for start in range(0, len(ids), KEYS_AT_ONCE)
    ]


def _letter(found: Record | None) -> DeadLetter | None:
    return found if isinstance(found, DeadLetter) else None
