"""Subscribers for tests: targets that answer as they are asked to, and what they were sent."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from reactions.bodies import Body
from reactions.dispatch import Dispatch
from reactions.line import Line
from reactions.metrics import ReactionMetrics
from reactions.reaction import FunctionTarget, Reaction
from reactions.target import Answer, Attempt
from store.notifications import ClaimedNotification
from store.outbox import Outbox
from store.schema import changes, notifications, reactions
from store.settlements import Fate
from store.subscriptions import STARTING, Subscription, read_subscriptions
from store.timed_transactions import transact
from tests.factories.changes import EVERYTHING

ACCEPTED, FAILED, GONE = Attempt(Answer.ACCEPTED), Attempt(Answer.FAILED, "status 500"), Attempt(Answer.GONE)


class RecordingTarget:
    """Keeps what it is sent; `answer` has what it answers."""

    def __init__(self, answer: Callable[[str], Attempt] = lambda _: ACCEPTED) -> None:
        self.answer, self.received, self.is_closed = answer, list[str](), False

    def send(self, change_id: str, body: bytes) -> Attempt:
        assert body == change_id.encode()
        self.received.append(change_id)
        return self.answer(change_id)

    def close(self) -> None:
        self.is_closed = True


class PlainBodies:
    """Bodies that have key and status alone; `fates` has those that are not sent."""

    def __init__(self) -> None:
        self.fates: dict[str, Fate] = {}

    def read(self, claims: Sequence[ClaimedNotification], reaction: Reaction) -> list[Body | Fate]:
        names = [f"{claim.key} {claim.was or '-'} {claim.now}" for claim in claims]
        return [self.fates.get(name) or Body(name, name.encode()) for name in names]


class Installation:
    """A dispatch on a database, with these subscribers, that sends in the thread of the test."""

    def __init__(
        self, engine: Engine, targets: dict[str, Any], registry: Any, topics: Iterable[str] = EVERYTHING
    ) -> None:
        self.outbox, self.bodies, self.now_s = Outbox(engine), PlainBodies(), 1000.0
        self.requested: list[str] = []
        self.lines = {
            name: Line(Reaction(name, frozenset(topics), FunctionTarget("shop", "open"), concurrency=1), target)
            for name, target in targets.items()
        }
        self.dispatch = Dispatch(
            self.outbox,
            self.lines.values(),
            self.bodies,  # type: ignore[arg-type]
            ReactionMetrics(registry, targets),
            self.requested.append,
            clock=lambda: self.now_s,
        )
        for line in self.lines.values():
            line.breaker._clock = lambda: self.now_s

    def begin(self) -> None:
        """Register, and let every subscriber begin."""
        self.dispatch.turn()
        with self.outbox.engine.begin() as connection:
            early = datetime.now(UTC) - STARTING - timedelta(seconds=5)
            connection.execute(update(reactions).values(registered_at=early))
        self.dispatch.turn()
        self.dispatch.turn()

    def note(self, key: str, was: str | None, now: str, **more: Any) -> None:
        at = datetime.now(UTC) + timedelta(milliseconds=1)
        values = {"topic": "message.pending", "key": key, "was": was, "now": now, "at": at, "noted_at": at}
        with self.outbox.engine.begin() as connection:
            connection.execute(insert(changes).values(values | more))

    def run(self) -> None:
        """Hand out, and send what is due."""
        self.dispatch.turn()
        while self.requested:
            self.dispatch.send(self.requested.pop())

    def received(self, name: str) -> list[str]:
        """What the target of a subscriber was sent."""
        target = self.lines[name].target
        assert isinstance(target, RecordingTarget)
        return target.received

    def subscription(self, name: str) -> Subscription:
        known = transact(self.outbox.engine, lambda connection, _: read_subscriptions(connection), reads=True)
        return next(each for each in known if each.name == name)

    def states(self) -> dict[str, str]:
        with self.outbox.engine.connect().execution_options(reads=True) as connection:
            return {name: state for name, state in connection.execute(select(reactions.c.name, reactions.c.state))}  # noqa: C416


def make_due(installation: Installation) -> None:
    """All that waits, now."""

    def work(connection: Connection, now: datetime) -> None:
        waiting = update(notifications).where(notifications.c.due_at.is_not(None))
        connection.execute(waiting.values(due_at=now))

    installation.outbox.transact(work)
