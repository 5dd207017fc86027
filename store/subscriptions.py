"""Subscriptions: who subscribes to which changes, since when, and whether its target works."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, select, update

from store.check_standings import FAILED, note_failing
from store.schema import reactions
from store.transactions import TRANSACTION_S
from store.upsert import INSERT

FRESH_S = 5.0
"""Seconds for which a worker uses the topics in demand that it has read."""
STARTING = timedelta(seconds=FRESH_S + TRANSACTION_S + 1)
"""After this time every worker notes changes of topics that were registered."""
STARTING_STATE, ON, PAUSED, OFF = "starting", "on", "paused", "off"
FAILING_FOR = timedelta(days=3)
"""A subscriber whose target has failed for so long is paused."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscriber, as the database knows it."""

    name: str
    topics: frozenset[str]
    state: str
    since: datetime | None
    """None while it is starting."""
    begun_topics: frozenset[str] = frozenset()
    """Those of its topics that it gets by now."""
    registered_at: datetime | None = None
    reason: str | None = None
    """Why it is paused."""
    failing_since: datetime | None = None
    last_failure: str | None = None
    succeeded_at: datetime | None = None

    @property
    def is_starting(self) -> bool:
        """Whether it does not get all of its topics yet."""
        return self.state != OFF and self.begun_topics != self.topics


def read_subscriptions(connection: Connection) -> list[Subscription]:
    """All that are known, also those that are off, by name."""
    rows = connection.execute(select(reactions).order_by(reactions.c.name)).mappings()
    return [_subscription(row) for row in rows]


def register(connection: Connection, now: datetime, topics: Mapping[str, Collection[str]]) -> list[str]:
    """Make these the subscribers, each with its topics; returns the names of those that are none any more."""
    known = {each.name: each for each in read_subscriptions(connection)}
    for name, wanted in topics.items():
        stored = known.get(name)
        values: dict[str, Any] = {"name": name, "topics": " ".join(sorted(wanted))}
        if stored is None or stored.state == OFF:
            values |= _begin_anew(now)
        elif stored.topics != frozenset(wanted):
            begun = stored.begun_topics & frozenset(wanted)
            values |= {"begun_topics": " ".join(sorted(begun)), "registered_at": now}
        else:
            continue
        statement = INSERT[connection.dialect.name](reactions).values(values)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[reactions.c.name], set_={name: statement.excluded[name] for name in values}
            )
        )
    gone = [name for name, each in known.items() if name not in topics and each.state != OFF]
    connection.execute(update(reactions).where(reactions.c.name.in_(gone)).values(state=OFF, begun_topics=""))
    return gone


def begin(connection: Connection, now: datetime) -> list[str]:
    """Begin what every worker notes by now; returns the names of subscribers that get more from here on.

    Checks that fail already are noted for who begins to get `health.failed`.
    """
    begun = []
    for each in read_subscriptions(connection):
        is_due = each.registered_at is not None and not timedelta(0) <= now - each.registered_at < STARTING
        if not each.is_starting or not is_due:
            continue
        state = ON if each.state == STARTING_STATE else each.state
        values = {"begun_topics": " ".join(sorted(each.topics)), "since": each.since or now, "state": state}
        connection.execute(update(reactions).where(reactions.c.name == each.name).values(values))
        if FAILED in each.topics - each.begun_topics:
            note_failing(connection, now, each.name)
        begun.append(each.name)
    return begun


def pause(connection: Connection, _: datetime, name: str, reason: str) -> bool:
    """Pause one that is on or starting; whether it was."""
    running = (reactions.c.name == name, reactions.c.state.in_((ON, STARTING_STATE)))
    return bool(connection.execute(update(reactions).where(*running).values(state=PAUSED, reason=reason)).rowcount)


def resume(connection: Connection, _: datetime, name: str) -> bool:
    """Resume one that is paused; whether it was. One that had not begun yet is starting again."""
    paused = (reactions.c.name == name, reactions.c.state == PAUSED)
    state = case((reactions.c.since.is_(None), STARTING_STATE), else_=ON)
    values = {"state": state, "reason": None, "failing_since": None, "last_failure": None}
    return bool(connection.execute(update(reactions).where(*paused).values(values)).rowcount)


def record_failure(connection: Connection, now: datetime, name: str, reason: str) -> None:
    """Keep since when a target fails; pause it once that is too long."""
    this = reactions.c.name == name
    first = update(reactions).where(this, reactions.c.failing_since.is_(None))
    connection.execute(first.values(failing_since=now))
    connection.execute(update(reactions).where(this).values(last_failure=reason))
    too_long = connection.execute(select(reactions.c.failing_since).where(this)).scalar()
    if too_long is not None and now - too_long > FAILING_FOR:
        pause(connection, now, name, f"its target failed for {FAILING_FOR.days} days")


def record_success(connection: Connection, now: datetime, name: str) -> None:
    """Keep that a target works."""
    values = {"failing_since": None, "last_failure": None, "succeeded_at": now}
    connection.execute(update(reactions).where(reactions.c.name == name).values(values))


def end_failures(connection: Connection, _: datetime, name: str) -> None:
    """Keep that a target fails no more, though nothing was accepted: what failed does not wait for it any more.

    Dispatchers see that, and try a target that rests at once.
    """
    values = {"failing_since": None, "last_failure": None}
    connection.execute(update(reactions).where(reactions.c.name == name).values(values))


def _begin_anew(now: datetime) -> dict[str, Any]:
    fresh = dict.fromkeys(("since", "reason", "failing_since", "last_failure", "succeeded_at"))
    return fresh | {"state": STARTING_STATE, "begun_topics": "", "registered_at": now}


def _subscription(row: Mapping[Any, Any]) -> Subscription:
    words = {name: frozenset((row[name] or "").split()) for name in ("topics", "begun_topics")}
    return Subscription(**{**row, **words, "state": row["state"] or OFF})
