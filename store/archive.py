"""Archive: the applied deliveries, by time of receipt and by subject."""

from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, and_, bindparam, func, or_, select, update

from seven.aggregates import Aggregate
from seven.archive_records import ArchivedDelivery
from store.record_rows import KEYS_AT_ONCE, select_records
from store.schema import deliveries

PAGE = 10_000
"""Rows that one statement looks at; the server ends statements that take too long."""
ROWS_AT_ONCE = 500
ID_TOLERANCE_MS = 3_600_000
"""How far the time in an id may differ from the stored time of receipt; both come from one clock."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Moved = tuple[str, str | None, datetime | None, str | None]
"""A delivery's id, the subject and time that its event should have, and the remark on it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Selects applied deliveries by every field that is set; `since` is included, `until` is not."""

    event_type: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        """The scope in SQL. Deliveries without a subject never match."""
        conditions: list[ColumnElement[bool]] = [deliveries.c.outcome == "applied", deliveries.c.subject.is_not(None)]
        if self.event_type is not None:
            conditions.append(deliveries.c.event_type == self.event_type)
        if self.subject is not None:
            conditions.append(deliveries.c.subject == self.subject)
        if self.since is not None:
            conditions.append(deliveries.c.received_at >= self.since)
        if self.until is not None:
            conditions.append(deliveries.c.received_at < self.until)
        return and_(*conditions)

    @property
    def index_conditions(self) -> list[ColumnElement[bool]]:
        """Conditions that an index answers. Ids sort by time of receipt."""
        conditions: list[ColumnElement[bool]] = []
        if self.subject is not None:
            conditions.append(deliveries.c.subject == self.subject)
        if self.since is not None:
            conditions.append(deliveries.c.id >= first_id(self.since, -ID_TOLERANCE_MS))
        if self.until is not None:
            conditions.append(deliveries.c.id < first_id(self.until, ID_TOLERANCE_MS))
        return conditions


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the deliveries in a scope, in the order of their ids."""

    after: str
    """The last id of the page before; empty for the first page."""
    subjects: list[tuple[str, str | None, str]]
    """Event type, record and subject of each delivery."""


@dataclass(frozen=True, slots=True)
class Census:
    """The number of applied deliveries of a subject, and the id of the first one in a scope."""

    deliveries: int
    first_delivery: str


def pages(engine: Engine, scope: Scope, size: int = PAGE) -> Iterator[Page]:
    """All deliveries of a scope, page by page; between two pages no connection is held."""
    after: str | None = ""
    while after is not None:
        window = (
            select(deliveries.c.id)
            .where(deliveries.c.id > after, *scope.index_conditions)
            .order_by(deliveries.c.id)
            .limit(size)
            .subquery()
        )
        with engine.connect().execution_options(reads=True) as connection:
            last = connection.execute(select(func.max(window.c.id))).scalar_one()
            if last is None:
                return
            rows = connection.execute(
                select(deliveries.c.event_type, deliveries.c.record, deliveries.c.subject)
                .where(deliveries.c.id > after, deliveries.c.id <= last, *scope.index_conditions, scope.condition)
                .order_by(deliveries.c.id)
            )
            subjects = [tuple(row) for row in rows if row.event_type is not None]
        yield Page(after, subjects)
        after = last


def census(connection: Connection, aggregate: Aggregate, subjects: Collection[str], scope: Scope) -> dict[str, Census]:
    """The subjects with a delivery in the scope; each with the count of all its deliveries."""
    first = func.min(deliveries.c.id).filter(scope.condition)
    rows = connection.execute(
        select(deliveries.c.subject, func.count(), first)
        .where(_about(aggregate, subjects))
        .group_by(deliveries.c.subject)
    )
    return {subject: Census(count, earliest) for subject, count, earliest in rows if earliest is not None}


def archived(
    connection: Connection, aggregate: Aggregate, subjects: Collection[str]
) -> Generator[ArchivedDelivery, None, None]:
    """All applied deliveries of these subjects; only ROWS_AT_ONCE of them are in memory. Close it if you end early."""
    ordered = sorted(subjects)
    for start in range(0, len(ordered), KEYS_AT_ONCE):
        query = select_records("deliveries", _about(aggregate, ordered[start : start + KEYS_AT_ONCE]))
        with connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as rows:
            yield from (ArchivedDelivery(**row) for row in rows.mappings())


def resubject(connection: Connection, moved: Sequence[Moved]) -> None:
    """Correct the subjects, times and remarks of deliveries; a join would never lower a stored value."""
    if moved:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == bindparam("its_id"))
            .values(
                subject=bindparam("its_subject"), event_at=bindparam("its_event_at"), remark=bindparam("its_remark")
            ),
            [dict(zip(("its_id", "its_subject", "its_event_at", "its_remark"), row, strict=True)) for row in moved],
        )


def _about(aggregate: Aggregate, subjects: Collection[str]) -> ColumnElement[bool]:
    return and_(
        deliveries.c.subject.in_(subjects),
        writes(aggregate),
        deliveries.c.outcome == "applied",
    )


def writes(aggregate: Aggregate) -> ColumnElement[bool]:
    """The condition that a delivery writes records of this aggregate: `Aggregate.has` in SQL."""
    return or_(
        deliveries.c.record == aggregate.name,
        and_(deliveries.c.record.is_(None), deliveries.c.event_type.in_(aggregate.undivided)),
    )


def first_id(at: datetime, offset_ms: int = 0) -> str:
    """The least uuid7 of a time, shifted by `offset_ms`; in SQL `first_delivery_id` (`store/first_ids.py`)."""
    digits = f"{max((at - _EPOCH) // timedelta(milliseconds=1) + offset_ms, 0):012x}"
    return f"{digits[:8]}-{digits[8:]}"
