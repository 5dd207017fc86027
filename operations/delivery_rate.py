"""Delivery rate: which share of the messages that are delivered or failed for good was delivered, beside earlier weeks.

The day that is looked at ends four hours ago, since most results are there by then. A result that takes longer, such as
EXPIRED after two days, is not: so of earlier weeks, too, only what had its result by the same hour counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, func, literal, or_, select

from store.schema import messages
from store.schema.columns import hour_of
from store.types import Time

FIRST, LAST = timedelta(hours=28), timedelta(hours=4)
"""The day looked at: messages that were first seen so long ago, by whole hours."""
WEEK = timedelta(weeks=1)
WEEKS = 4
"""Earlier weeks, of which the same hours are looked at."""
ENOUGH = 200
"""Decided messages; of fewer a rate is chance."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Messages of some hours that have their final result."""

    delivered: int = 0
    failed: int = 0

    @property
    def number(self) -> int:
        """How many there are."""
        return self.delivered + self.failed

    @property
    def rate(self) -> float | None:
        """Which share of them was delivered, 0 to 1; None if there are none."""
        return self.delivered / self.number if self.number else None


@dataclass(frozen=True, slots=True)
class DeliveryRate:
    """The decided messages of the day, and of the same hours of earlier weeks, latest first."""

    day: Decided
    weeks: tuple[Decided, ...]

    @property
    def usual(self) -> float | None:
        """The mean rate of those weeks with enough decided messages; None if there is none."""
        return mean_rate(self.weeks)


def mean_rate(weeks: Sequence[Decided]) -> float | None:
    """The mean rate of those with enough decided messages; None if there is none."""
    rates = [week.rate for week in weeks if week.rate is not None and week.number >= ENOUGH]
    return sum(rates) / len(rates) if rates else None


def delivery_rate(engine: Engine, now: datetime) -> DeliveryRate:
    """Count, each day in a transaction of its own. Raises SQLAlchemyError when the database does not answer."""
    day, *weeks = _counts(engine, now)
    return DeliveryRate(day, tuple(weeks))


def _counts(engine: Engine, now: datetime) -> Iterator[Decided]:
    for week in range(WEEKS + 1):
        yield _decided(engine, now - week * WEEK)


def _decided(engine: Engine, at: datetime) -> Decided:
    """The day as it stood at a time."""
    c = messages.c
    hour, full = hour_of(c.first_seen_at), at.replace(minute=0, second=0, microsecond=0)
    query = (
        select(c.result, func.count().label("number"))
        .where(hour >= literal(full - FIRST, Time), hour < literal(full - LAST, Time))
        .where(c.result.in_(("delivered", "failed")), or_(c.status_at.is_(None), c.status_at <= at))
        .group_by(c.result)
    )
    with engine.connect().execution_options(reads=True) as connection:
        numbers = {row.result: row.number for row in connection.execute(query)}
    return Decided(**numbers)
