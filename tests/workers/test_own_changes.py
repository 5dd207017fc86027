"""Own changes: who begins to subscribe to checks and heartbeats learns of what fails by then, and of life at once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, select, update

from operations.checks.check import good, wrong
from seven.topics import HEALTH, HEARTBEAT
from store.schema import changes, reactions
from store.subscriptions import STARTING
from tests.reactions.subscribers import Installation, RecordingTarget
from workers.health_changes import HealthChanges
from workers.heartbeat_changes import HeartbeatChanges

WATCHES = (*HEALTH, HEARTBEAT)
Start = Callable[..., Installation]


@pytest.fixture
def start(engine: Engine) -> Iterator[Start]:
    """Starts a dispatcher with these reactions, which are not begun."""
    made: list[Installation] = []

    def start(*names: str, topics: tuple[str, ...] = WATCHES) -> Installation:
        targets = {name: RecordingTarget() for name in names}
        made.append(Installation(engine, targets, CollectorRegistry(), topics))
        made[-1].dispatch.turn()
        return made[-1]

    yield start
    for each in made:
        each.dispatch.close()


@pytest.fixture
def health(engine: Engine) -> HealthChanges:
    """Of an installation where one of two checks fails."""
    return HealthChanges(engine, lambda: [wrong("beat", "it is silent", "start it"), good("ledger", "fine")])


def look(health: HealthChanges) -> None:
    """Until what fails counts."""
    health.look()
    health.look()


def begin(installation: Installation) -> None:
    """Let what is registered begin, and be sent what it gets."""
    with installation.outbox.engine.begin() as connection:
        connection.execute(update(reactions).values(registered_at=datetime.now(UTC) - STARTING - timedelta(seconds=5)))
    installation.run()
    installation.run()


def test_what_fails_already(start: Start, health: HealthChanges):
    """It was noted while the first reaction was starting, so that it was handed to nobody; once is enough."""
    first = start("watchdog")
    look(health)
    first.run()
    assert first.received("watchdog") == []
    begin(first)
    look(health)
    first.run()
    assert first.received("watchdog") == ["beat good wrong"]


def test_another_reaction(start: Start, health: HealthChanges):
    """That one is told what the first knows already; the first is not told again."""
    begin(first := start("watchdog"))
    look(health)
    first.run()
    begin(both := start("watchdog", "pager"))
    assert (both.received("watchdog"), both.received("pager")) == ([], ["beat good wrong"])
    assert first.received("watchdog") == ["beat good wrong"]


def test_what_has_failed_for_weeks(start: Start, health: HealthChanges, engine: Engine):
    """It is told with the time at which it began, however old; so the change has the same id for everyone."""
    look(health)
    began_at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    with engine.begin() as connection:
        connection.execute(update(changes).values(at=began_at, noted_at=began_at))
    begin(watchdog := start("watchdog"))
    assert watchdog.received("watchdog") == ["beat good wrong"]
    with engine.connect().execution_options(reads=True) as connection:
        own = select(changes.c.at).where(changes.c.reaction == "watchdog")
        assert connection.execute(own).scalars().all() == [began_at]


def test_what_is_good_again(start: Start, engine: Engine):
    """Nothing is told of what recovered before."""
    checks = [wrong("beat", "it is silent", "start it")]
    health = HealthChanges(engine, lambda: checks)
    look(health)
    checks[:] = [good("beat", "it ticks")]
    health.look()
    begin(watchdog := start("watchdog"))
    assert watchdog.received("watchdog") == []


def test_it_recovers_while_it_waits(start: Start, engine: Engine):
    """Told with its recovery, it is no change."""
    checks = [wrong("beat", "it is silent", "start it")]
    health = HealthChanges(engine, lambda: checks)
    look(health)
    watchdog = start("watchdog")
    hand_out = watchdog.outbox.fan_out
    checks[:] = [good("beat", "it ticks")]

    def later(subscribers: Callable[[], object]) -> object:
        watchdog.outbox.fan_out = hand_out  # type: ignore[method-assign]
        health.look()
        return hand_out(subscribers)  # type: ignore[arg-type]

    watchdog.outbox.fan_out = later  # type: ignore[assignment,method-assign]
    begin(watchdog)
    assert watchdog.received("watchdog") == []


@pytest.mark.parametrize("topics", [("message.failed",), HEALTH[1:], (HEARTBEAT,)])
def test_who_does_not_ask(start: Start, health: HealthChanges, topics: tuple[str, ...]):
    look(health)
    begin(shop := start("shop", topics=topics))
    assert shop.received("shop") == []


def test_topics_that_are_added(start: Start, health: HealthChanges):
    """Who had others before learns of what fails, too."""
    look(health)
    begin(start("shop", topics=("message.failed",)))
    begin(shop := start("shop", topics=("message.failed", *HEALTH)))
    assert shop.received("shop") == ["beat good wrong"]


def test_the_first_heartbeat(start: Start, engine: Engine):
    """It comes when the reaction begins, and not only after the next of its minutes."""
    watchdog = start("watchdog")
    note = HeartbeatChanges(engine, {"watchdog": 300.0}).note
    note()
    watchdog.run()
    begin(watchdog)
    note()
    note()
    watchdog.run()
    assert watchdog.received("watchdog") == ["watchdog - alive"]
