"""Notifications: what waits for subscribers: claim what is due, drop it, try it again.

A claim is a lease: until it ends no other dispatcher sends the same, and if its holder is killed another takes over.
A later change of the same record waits until the earlier one is settled, so that no two are under way at a time.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, or_, select, tuple_, update

from store.outbox import Outbox
from store.replacement import EXPIRED, IN_DOUBT, SKIPPED, WAITING
from store.schema import notifications

LONGEST_PAUSE = timedelta(hours=6)
"""From one attempt to the next, at most. What is due later than that was written by a clock that has been set back."""
EXPIRES_AFTER = timedelta(days=3)
"""A change that was not sent so long after it was noted is dropped."""
KEPT = timedelta(days=8)
"""What was settled is kept for so long."""
ROWS_AT_ONCE = 500
"""What one transaction changes of many."""

c = notifications.c
_KEY = list(notifications.primary_key)
_LAST_FAILURE = case((c.claim.is_not(None), IN_DOUBT), else_=c.last_failure)
"""Of a row that is taken from a claim: its target may have got the change, so what follows is never undone."""


@dataclass(frozen=True, slots=True)
class ClaimedNotification:
    """A change that is to be sent to a subscriber now."""

    reaction: str
    path: str
    key: str
    seq: int
    topic: str
    was: str | None
    now: str
    at: datetime | None
    delivery_id: str | None
    noted_at: datetime
    attempts: int
    """Failures so far."""
    claim: str


def claim(
    connection: Connection, now: datetime, reaction: str, at_most: int, lease: timedelta
) -> list[ClaimedNotification]:
    """Claim what is due for a subscriber, the oldest first."""
    due = select(*_KEY).where(c.reaction == reaction, _is_due(now)).order_by(c.due_at).limit(at_most)
    picked = due.with_for_update(skip_locked=True).cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    name = uuid4().hex
    statement = (
        update(notifications)
        .where(tuple_(*_KEY).in_(select(*picked.c)))
        .values(due_at=now + lease, claim=name, last_failure=_LAST_FAILURE)
        .returning(*(c[field] for field in ClaimedNotification.__dataclass_fields__))
    )
    claims = [ClaimedNotification(**row) for row in connection.execute(statement).mappings()]
    return sorted(claims, key=lambda each: each.seq)


def count_due(connection: Connection, now: datetime, reaction: str, at_most: int) -> int:
    """How many are due for a subscriber, counted up to a number: for one whose target is dead it may be very many."""
    due = select(c.reaction).where(c.reaction == reaction, _is_due(now)).limit(at_most).subquery()
    return connection.execute(select(func.count()).select_from(due)).scalar_one()


def has_failed(connection: Connection, _: datetime, reaction: str) -> bool:
    """Whether something waits for a subscriber that was tried, or is under way and may have failed."""
    tried = (c.reaction == reaction, c.due_at.is_not(None), or_(c.last_failure.is_not(None), c.claim.is_not(None)))
    return connection.execute(select(c.reaction).where(*tried).limit(1)).first() is not None


def _is_due(now: datetime) -> ColumnElement[bool]:
    return or_(c.due_at <= now, c.due_at > now + LONGEST_PAUSE)


def expire(connection: Connection, now: datetime, at_most: int) -> Counter[str]:
    """Drop what has waited for too long, unless it is being sent; returns how many, by subscriber."""
    is_old = (c.due_at.is_not(None), c.claim.is_(None) | (c.due_at <= now), c.noted_at < now - EXPIRES_AFTER)
    return _drop(connection, now, EXPIRED, at_most, *is_old)


def skip(connection: Connection, now: datetime, reaction: str, at_most: int) -> int:
    """Drop what waits for a subscriber; returns how many."""
    return _drop(connection, now, SKIPPED, at_most, c.reaction == reaction, c.due_at.is_not(None)).total()


def skip_all(outbox: Outbox, reaction: str) -> int:
    """Drop all that waits for a subscriber, in portions; returns how many. Raises StoreAway."""
    dropped = 0
    while portion := outbox.transact(partial(skip, reaction=reaction, at_most=ROWS_AT_ONCE)):
        dropped += portion
    return dropped


def _drop(connection: Connection, now: datetime, state: str, at_most: int, *conditions: Any) -> Counter[str]:
    picked = select(*_KEY).where(*conditions).limit(at_most).with_for_update(skip_locked=True)
    values = {"state": state, "due_at": None, "settled_at": now, "claim": None, "last_failure": _LAST_FAILURE}
    statement = update(notifications).where(tuple_(*_KEY).in_(picked)).values(values)
    return Counter(connection.execute(statement.returning(c.reaction)).scalars())


def retry(connection: Connection, now: datetime, reaction: str, at_most: int) -> int:
    """Make due now what waits for its next attempt or has expired; returns how many."""
    picked = select(*_KEY).where(_retried(now, reaction)).limit(at_most).with_for_update(skip_locked=True)
    values = {"state": WAITING, "due_at": now, "noted_at": now, "settled_at": None, "attempts": 0}
    statement = update(notifications).where(tuple_(*_KEY).in_(picked))
    return connection.execute(statement.values(values)).rowcount


def count_retried(connection: Connection, now: datetime, reaction: str) -> dict[str, int]:
    """How many of those there are, by state: those that wait, and those that have expired."""
    query = select(c.state, func.count()).where(_retried(now, reaction)).group_by(c.state)
    return {state: number for state, number in connection.execute(query)}  # noqa: C416 - as above


def _retried(now: datetime, reaction: str) -> ColumnElement[bool]:
    return and_(c.reaction == reaction, or_(c.state == EXPIRED, and_(c.due_at > now, c.claim.is_(None))))


def remove_settled(connection: Connection, now: datetime, at_most: int) -> int:
    """Remove what was settled long ago; returns how many."""
    old = select(*_KEY).where(c.settled_at < now - KEPT).limit(at_most).with_for_update(skip_locked=True)
    return connection.execute(delete(notifications).where(tuple_(*_KEY).in_(old))).rowcount


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for a subscriber, and what became of the rest in the last days."""

    waiting: int = 0
    oldest_at: datetime | None = None
    """When the oldest that waits was noted."""
    failing: int = 0
    """Of those that wait: tried before."""
    settled: Mapping[str, int] | None = None
    """By what became of them."""


def backlogs(connection: Connection) -> dict[str, Backlog]:
    """By subscriber. Reads all that was settled in the last days."""
    settled: dict[str, dict[str, int]] = {}
    states = select(c.reaction, c.state, func.count()).where(c.due_at.is_(None)).group_by(c.reaction, c.state)
    for name, state, number in connection.execute(states):
        settled.setdefault(name, {})[state] = number
    waiting = waiting_backlogs(connection)
    return {name: replace(waiting.get(name, Backlog()), settled=settled.get(name, {})) for name in {*waiting, *settled}}


def waiting_backlogs(connection: Connection) -> dict[str, Backlog]:
    """By subscriber with something that waits, without what is settled."""
    failing = func.count().filter(c.attempts > 0)
    waiting = (
        select(c.reaction, func.count(), func.min(c.noted_at), failing)
        .where(c.due_at.is_not(None))
        .group_by(c.reaction)
    )
    return {name: Backlog(*rest) for name, *rest in connection.execute(waiting)}
