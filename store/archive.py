"""Archive: the applied deliveries that are kept, by time of receipt and by what they speak of."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, and_, bindparam, func, select, update

from seven.records import ArchivedDelivery
from store.record_rows import KEYS_AT_ONCE, select_records
from store.schema import deliveries

PAGE = 10_000
"""Rows that are looked at by one statement; a server ends those that take too long."""
ROWS_AT_ONCE = 500
AMISS_MS = 3_600_000
"""By how much the time in an id may differ from the time of receipt that is kept; both are of one clock."""

Moved = tuple[str, str | None, datetime | None]
"""A delivery's id, and the subject and time of its event as they should be."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which applied deliveries are meant: those of which all holds that is told here. `until` is no longer in it."""

    event_type: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        """The same in SQL. Deliveries that speak of nothing are never meant."""
        told: list[ColumnElement[bool]] = [deliveries.c.outcome == "applied", deliveries.c.subject.is_not(None)]
        if self.event_type is not None:
            told.append(deliveries.c.event_type == self.event_type)
        if self.subject is not None:
            told.append(deliveries.c.subject == self.subject)
        if self.since is not None:
            told.append(deliveries.c.received_at >= self.since)
        if self.until is not None:
            told.append(deliveries.c.received_at < self.until)
        return and_(*told)

    @property
    def ids(self) -> list[ColumnElement[bool]]:
        """Where to look by an index. Ids sort by time of receipt."""
        told: list[ColumnElement[bool]] = []
        if self.subject is not None:
            told.append(deliveries.c.subject == self.subject)
        if self.since is not None:
            told.append(deliveries.c.id >= first_id(self.since, -AMISS_MS))
        if self.until is not None:
            told.append(deliveries.c.id < first_id(self.until, AMISS_MS))
        return told


@dataclass(frozen=True, slots=True)
class Page:
    """Some deliveries of a scope, in the order of their ids: event types and subjects. `after` was looked at before."""

    after: str
    told: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Census:
    """How many applied deliveries speak of a subject, and the first of them that is in a scope."""

    deliveries: int
    first_id: str


def pages(engine: Engine, scope: Scope, size: int = PAGE) -> Iterator[Page]:
    """All deliveries of a scope, however many; between two pages no connection is held."""
    after: str | None = ""
    while after is not None:
        seen = (
            select(deliveries.c.id)
            .where(deliveries.c.id > after, *scope.ids)
            .order_by(deliveries.c.id)
            .limit(size)
            .subquery()
        )
        with engine.connect().execution_options(reads=True) as connection:
            last = connection.execute(select(func.max(seen.c.id))).scalar_one()
            if last is None:
                return
            found = connection.execute(
                select(deliveries.c.event_type, deliveries.c.subject)
                .where(deliveries.c.id > after, deliveries.c.id <= last, *scope.ids, scope.condition)
                .order_by(deliveries.c.id)
            )
            told = [(event_type, subject) for event_type, subject in found if event_type is not None]
        yield Page(after, told)
        after = last


def census(
    connection: Connection, event_types: Sequence[str], subjects: Collection[str], scope: Scope
) -> dict[str, Census]:
    """Those subjects of which deliveries in the scope speak, each with all its deliveries of these event types."""
    first = func.min(deliveries.c.id).filter(scope.condition)
    counted = connection.execute(
        select(deliveries.c.subject, func.count(), first)
        .where(_speak_of(event_types, subjects))
        .group_by(deliveries.c.subject)
    )
    return {subject: Census(number, first_id) for subject, number, first_id in counted if first_id is not None}


def archived(
    connection: Connection, event_types: Sequence[str], subjects: Collection[str]
) -> Iterator[ArchivedDelivery]:
    """All applied deliveries of these event types that speak of these subjects, some at a time in memory."""
    told = sorted(subjects)
    for start in range(0, len(told), KEYS_AT_ONCE):
        wanted = select_records("deliveries", _speak_of(event_types, told[start : start + KEYS_AT_ONCE]))
        rows = connection.execute(wanted, execution_options={"yield_per": ROWS_AT_ONCE})
        yield from (ArchivedDelivery(**row) for row in rows.mappings())


def resubject(connection: Connection, moved: Sequence[Moved]) -> None:
    """Have deliveries speak of what they should; no join would ever lower what is kept."""
    if moved:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == bindparam("its_id"))
            .values(subject=bindparam("its_subject"), event_at=bindparam("its_event_at")),
            [{"its_id": one, "its_subject": subject, "its_event_at": at} for one, subject, at in moved],
        )


def _speak_of(event_types: Sequence[str], subjects: Collection[str]) -> ColumnElement[bool]:
    return and_(
        deliveries.c.subject.in_(subjects),
        deliveries.c.event_type.in_(event_types),
        deliveries.c.outcome == "applied",
    )


def first_id(at: datetime, off_ms: int = 0) -> str:
    """The least uuid7 of a time, give or take."""
    digits = f"{max(int(at.timestamp() * 1000) + off_ms, 0):012x}"
    return f"{digits[:8]}-{digits[8:]}"
