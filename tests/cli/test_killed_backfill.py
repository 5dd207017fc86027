"""A backfill that is killed while it offers deliveries, two at once, and one beside a worker's pass: as if undisturbed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from gateway.factory import Account
from ledger import keyspace
from ledger.client import Ledger
from seven.events import QUEUES
from seven.journal import JOURNAL
from store.schema import deliveries
from tests.cli.installation import CommandLine
from tests.factories.envelopes import Accept
from tests.factories.outage import Outage, assert_as_played, outage
from tests.forks import COMMAND, script
from tests.gateway.journal_stub import JournalStub, journal_stub
from tests.operations.journal_passes import watched
from tests.servers import PATIENCE_S, eventually
from workers.consumer import Consumer

KEY = "a-secret-api-key"
BACKFILL = ("backfill", "--since", "8d", "--yes")


@pytest.fixture
def stub() -> Iterator[JournalStub]:
    with journal_stub() as stub:
        yield stub


@pytest.fixture
def played(stub: JournalStub, engine: Engine, consumer: Consumer, accept: Accept) -> Outage:
    """A third of the webhooks never came: more than two batches."""
    played = outage(12, 400, share=0.7)
    stub.lists |= played.lists
    played.consume(consumer, accept)
    watched(engine, account=Account(stub.url, KEY).identity)
    return played


@pytest.fixture
def installation(tmp_path: Path, redis_url: str, database_url: str, stub: JournalStub) -> CommandLine:
    return CommandLine(
        tmp_path, REDIS_URL=redis_url, DATABASE_URL=database_url, SEVEN_API_KEY=KEY, SEVEN_API_URL=stub.url,
        SEVEN_JOURNAL_RATE="50",
    )  # fmt: skip


Start = Callable[..., ForkServerProcess]


@pytest.fixture
def start(installation: CommandLine) -> Iterator[Start]:
    """Starts a command."""
    with ExitStack() as stack:

        def begin(*words: str, **settings: str) -> ForkServerProcess:
            output = stack.enter_context(installation.output_file.open("ab")).fileno()
            environment = installation.environment | settings
            return stack.enter_context(script((COMMAND, *words), installation.directory, environment, output, output))

        yield begin


def pending(ledger: Ledger) -> list[tuple[str, str]]:
    return [(queue, id_.decode()) for queue in QUEUES for id_ in ledger.redis.zrange(keyspace.pending(queue), 0, -1)]


def consume(consumer: Consumer, batches: Sequence[tuple[str, str]]) -> None:
    for queue, batch_id in batches:
        consumer.consume(queue, [batch_id])


def fetched(engine: Engine) -> int:
    with engine.connect() as connection:
        query = select(deliveries.c.id).where(deliveries.c.request_method == JOURNAL)
        return len(connection.execute(query).all())


def assert_all_is_well(played: Outage, installation: CommandLine, engine: Engine, ledger: Ledger) -> None:
    """Each record as played, the audit good, and nothing left that is lacking."""
    assert_as_played(played, engine, ledger)
    assert installation.answer("backfill", "--since", "8d", "--dry-run")["lacking"] == 0


def test_a_backfill_that_is_killed(
    played: Outage, installation: CommandLine, start: Start, engine: Engine, ledger: Ledger, consumer: Consumer
):
    """While it offers, some of it accepted; the same command does the rest, and no row is doubled."""
    process = start(*BACKFILL, SEVEN_SWEEP_LIMIT="2")  # so that it waits after two batches
    eventually(lambda: "Waiting" in installation.output)
    process.kill()
    process.join(PATIENCE_S)
    accepted = pending(ledger)
    assert len(accepted) == 2
    consume(consumer, accepted)
    done = fetched(engine)
    result = installation.answer(*BACKFILL)
    assert result["lacking"] == result["offered"] == len(played.missed) - done > 0
    consume(consumer, pending(ledger))
    assert fetched(engine) == len(played.missed)
    assert_all_is_well(played, installation, engine, ledger)


def test_two_backfills_at_once(
    played: Outage, installation: CommandLine, start: Start, engine: Engine, ledger: Ledger, consumer: Consumer
):
    """Both offer what neither has seen consumed: the rows are as if there was one."""
    for process in [start(*BACKFILL), start(*BACKFILL)]:
        process.join(PATIENCE_S)
        assert process.exitcode == 0, installation.output
    consume(consumer, pending(ledger))
    assert_all_is_well(played, installation, engine, ledger)
