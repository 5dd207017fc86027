"""Reaction states: who subscribes, whether its target works, and what waits for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select

from store.notification_rows import LONGEST_S, notification_rows
from store.notifications import Backlog, backlogs, waiting_backlogs
from store.schema import notifications
from store.subscriptions import OFF, Subscription, read_subscriptions
from store.timed_transactions import transact

NOTHING = Backlog(settled={})


@dataclass(frozen=True, slots=True)
class ReactionState:
    """One subscriber."""

    subscription: Subscription
    backlog: Backlog
    read_at: datetime
    """By the database's clock."""

    @property
    def name(self) -> str:
        """As the file has it."""
        return self.subscription.name

    @property
    def waits_for(self) -> timedelta:
        """Age of the oldest change that waits."""
        oldest_at = self.backlog.oldest_at
        return max(timedelta(0), self.read_at - oldest_at) if oldest_at else timedelta(0)

    @property
    def settled(self) -> Mapping[str, int]:
        """How many changes were sent or dropped in the last days, by what became of them."""
        return self.backlog.settled or {}


def read_reaction_states(engine: Engine, *, counts_settled: bool = True) -> list[ReactionState]:
    """Every subscriber, by name; those that are off are left out. Raises StoreAway."""
    return transact(
        engine,
        lambda connection, now: reaction_states(connection, now, counts_settled=counts_settled),
        reads=True,
    )


def reaction_states(
    connection: Connection, now: datetime, *, counts_settled: bool = True, longest_s: float = LONGEST_S
) -> list[ReactionState]:
    """The same within a transaction. Counting what is settled reads all of the last days. Raises SQLAlchemyError."""
    known = [each for each in read_subscriptions(connection) if each.state != OFF]
    if not known:
        return []
    with notification_rows(connection, longest_s) as rows:
        read = backlogs if counts_settled else waiting_backlogs
        waiting = {} if rows is None else read(rows)
    return [ReactionState(each, waiting.get(each.name, NOTHING), now) for each in known]


def anyone_subscribes(connection: Connection) -> bool:
    """Whether anyone does. Raises SQLAlchemyError."""
    return any(each.state != OFF for each in read_subscriptions(connection))


@dataclass(frozen=True, slots=True)
class Waiting:
    """One change that waits for a subscriber."""

    topic: str
    key: str
    was: str | None
    now: str
    attempts: int
    last_failure: str | None
    due_at: datetime | None


def read_waiting(engine: Engine, name: str, at_most: int) -> list[Waiting]:
    """What a subscriber gets next. Raises StoreAway."""
    return transact(engine, lambda connection, _: waiting_changes(connection, name, at_most), reads=True)


def waiting_changes(connection: Connection, name: str, at_most: int, longest_s: float = LONGEST_S) -> list[Waiting]:
    """The same within a transaction. Raises SQLAlchemyError."""
    c = notifications.c
    columns = (c[field] for field in Waiting.__dataclass_fields__)
    query = select(*columns).where(c.reaction == name, c.due_at.is_not(None)).order_by(c.due_at, c.seq).limit(at_most)
    with notification_rows(connection, longest_s) as rows:
        return [] if rows is None else [Waiting(*row) for row in rows.execute(query)]
