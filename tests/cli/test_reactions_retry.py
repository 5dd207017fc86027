"""reactions retry: what failed and expired is due again, and rows are sent as they stand."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from cli.commands.reactions_work import carry_out
from store.outbox import Outbox, Subscriber
from store.schema import changes, notifications
from tests.cli.installation import CommandLine
from tests.factories.changes import NOON, write
from tests.factories.subscribers import FAILED, FAILING, STARTING, put_changes, subscribe

EARLY = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def subscribed(installation: CommandLine, redis_url: str, database_url: str, engine: Engine) -> CommandLine:
    """Four subscribers; of what waits for one, two changes expired and one failed."""
    installation.environment |= {"REDIS_URL": redis_url, "DATABASE_URL": database_url}
    subscribe(engine)
    put_changes(engine)
    return installation


@pytest.fixture
def outbox(engine: Engine) -> Iterator[Outbox]:
    outbox = Outbox(engine)
    yield outbox
    outbox.close()


def put_failures(engine: Engine, number: int, since: datetime = NOON) -> None:
    """Messages that failed before anyone subscribed."""
    report = {"status": "FAILED", "timestamp": int(since.timestamp())}
    write(engine, [[("dlr", {"msg_id": f"{n:04}"} | report) for n in range(number)]], frozenset())


def test_what_failed_and_expired(subscribed: CommandLine, outbox: Outbox):
    c = notifications.c
    expired = update(notifications).where(c.reaction == FAILING, c.key.like("%4")).values(state="expired", due_at=None)
    assert outbox.transact(lambda connection, _: connection.execute(expired).rowcount) == 1
    plan = f"{FAILING}: 1 change waiting for another attempt, and 1 expired.\n"
    assert subscribed.run("reactions", "retry", FAILING, "--dry-run").stdout == plan
    assert subscribed.run("reactions", "retry", FAILING, "--yes").stdout == f"{plan}To be sent: 2 changes.\n"
    answer = subscribed.answer("reactions", "show", FAILING)
    assert (answer["waiting"], answer["failing"], answer["settled"]) == (5, 0, {"sent": 1})
    again = subscribed.run("reactions", "retry", FAILING, "--yes")
    assert again.stdout == f"{FAILING}: nothing has expired, and nothing waits for another attempt.\n"


def test_a_target_that_rests(subscribed: CommandLine, outbox: Outbox):
    """It is tried at once, also where all that waits is due; a dry run changes nothing."""
    outbox.transact(
        lambda connection, now: connection.execute(
            update(notifications).where(notifications.c.due_at.is_not(None)).values(due_at=now)
        )
    )
    plan = f"{FAILING}: nothing has expired, and nothing waits for another attempt.\n"
    assert subscribed.run("reactions", "retry", FAILING, "--dry-run").stdout == plan
    assert subscribed.answer("reactions", "show", FAILING)["last_failure"] == "status 500"
    result = subscribed.run("reactions", "retry", FAILING, "--yes")
    assert result.stdout == f"{plan}Its target is tried at once with what is due: 5 changes.\n"
    assert subscribed.answer("reactions", "show", FAILING)["last_failure"] is None
    assert subscribed.run("reactions", "retry", FAILING, "--yes").stdout == plan


def test_rows_as_they_stand(subscribed: CommandLine, engine: Engine, outbox: Outbox):
    """For that subscriber alone, in more than one portion, and not again what the plan did not have."""
    put_failures(engine, 1201)
    words = ("reactions", "retry", FAILING, "--since", "1h", "--yes", "--rate", "100000")
    result = subscribed.run(*words)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "To be sent: 1201 rows."
    everyone = [Subscriber(name, frozenset((FAILED,)), EARLY) for name in (FAILING, "other")]
    while outbox.fan_out(lambda: everyone).is_full:
        pass
    answer = subscribed.answer("reactions", "show", FAILING)
    assert answer["waiting"] == 1206
    with outbox.queue.connect().execution_options(reads=True) as connection:
        names = connection.execute(select(notifications.c.reaction).distinct()).scalars().all()
    assert "other" not in names


def test_rows_that_are_written_meanwhile_come_twice():
    """And are not taken for the rest: all portions are done, however many the plan had."""
    assert carry_out(iter((500, 500, 2)), "row", 1000, rate=1e9) == (1002, None)


def test_nothing_that_old(subscribed: CommandLine, engine: Engine):
    put_failures(engine, 1)
    result = subscribed.run("reactions", "retry", FAILING, "--since", "2200-01-01", "--yes")
    assert (result.returncode, "0 rows changed since 2200-01-01" in result.stdout) == (0, True)


def test_one_that_is_starting(subscribed: CommandLine, engine: Engine):
    """What would be noted for it now would be handed to nobody: exit code 1, and when to try again."""
    result = subscribed.run("reactions", "retry", STARTING, "--since", "3d", "--yes")
    assert (result.returncode, result.stderr.startswith(f"{STARTING} is starting: try again in ")) == (1, True)


@pytest.mark.parametrize("since", ["nope", "", "yesterday"])
def test_a_time_that_is_none(subscribed: CommandLine, since: str):
    result = subscribed.run("reactions", "retry", FAILING, "--since", since, "--yes")
    assert (result.returncode, "--since: a time is expected" in result.stderr) == (2, True)


def test_a_rate(subscribed: CommandLine, engine: Engine):
    """A portion a second at 500 a second: three of them take two seconds."""
    put_failures(engine, 1100)
    began = datetime.now(UTC)
    result = subscribed.run("reactions", "retry", FAILING, "--since", "1h", "--yes", "--rate", "1000")
    assert result.returncode == 0
    assert datetime.now(UTC) - began > timedelta(seconds=1)
    with engine.connect().execution_options(reads=True) as connection:
        noted = connection.execute(select(changes.c.was, changes.c.any_age).where(changes.c.reaction == FAILING)).all()
    assert noted == [(None, True)] * 1100
