"""Timeouts: every wait for a PostgreSQL that hangs is bounded, and a server that is only slow is waited for."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, select, text
from sqlalchemy.exc import OperationalError

from gateway.findings import Finding, FindingLog
from operations.checks.check import Unread, answer_of
from seven.records import Message
from store.database_info import Database, inspect
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store, StoreAway
from store.schema import messages
from store.timeouts import NoAnswer, lift_bounds
from store.transactions import Patience
from tests.servers import PATIENCE_S, Postgres, eventually

SHUTDOWN = "AdminShutdown 57P01: it ended the session"

IN_TIME_S = PATIENCE_S  # the bounds are half a second, but machines are slow at times; without them the wait never ends


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_store_engine(url, patience=Patience(statement_s=0.5, ping_s=0.5, connect_s=2))
    migrate(engine)
    yield engine
    engine.dispose()


def missing(connection: Connection) -> None:
    connection.execute(text("SELECT 1 FROM seven.is_not_there"))


def waiting_for_a_lock(engine: Engine) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar() == 1


def test_a_server_that_hangs_in_a_transaction(postgres: Postgres, engine: Engine, url: str):
    """The server stops during a statement: the writer gets NoAnswer within its patience, and nothing is written."""
    patient = create_store_engine(url, patience=Patience(statement_s=2.0))
    failures: list[StoreAway] = []

    def write() -> None:
        try:
            Store(patient).write([Message(msg_id="1")])
        except StoreAway as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE seven.messages IN ACCESS EXCLUSIVE MODE")
        writer.start()
        eventually(lambda: waiting_for_a_lock(engine))
        with postgres.paused():
            began = time.monotonic()
            writer.join(IN_TIME_S)
            assert time.monotonic() - began < IN_TIME_S
    assert [str(failure) for failure in failures] == ["NoAnswer ETIMEDOUT: no answer in time"]
    patient.dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM seven.messages")).scalar() == 0


def test_a_pooled_connection_to_a_server_that_hangs(postgres: Postgres, engine: Engine):
    """The first statement on a pooled connection is bounded, too, and so is the attempt to open a new one."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    with postgres.paused():
        began = time.monotonic()
        with pytest.raises(StoreAway):
            Store(engine).write([Message(msg_id="1")])
        assert time.monotonic() - began < IN_TIME_S
    Store(engine).write([Message(msg_id="1")])


def test_silence_is_bounded_and_slowness_is_not(engine: Engine):
    """A server that sends something now and then is waited for; a silent statement or a long transaction is not."""
    slow = text("DO $$ BEGIN FOR i IN 1..8 LOOP PERFORM pg_sleep(0.2); RAISE NOTICE 'still here'; END LOOP; END $$")
    with engine.begin() as connection:
        connection.execute(slow)
    with pytest.raises(OperationalError) as silent, engine.begin() as connection:
        connection.execute(text("SELECT pg_sleep(60)"))
    assert isinstance(silent.value.orig, NoAnswer)
    hasty = create_store_engine(engine.url.render_as_string(), patience=Patience(transaction_s=0.5))
    with pytest.raises(OperationalError) as long, hasty.begin() as connection:
        connection.execute(text("SELECT pg_sleep(60)"))
    assert isinstance(long.value.orig, NoAnswer)
    hasty.dispose()


def test_lift_bounds_lifts_our_own(engine: Engine):
    """A migration may run without a limit, an audit within its own; the next transaction has the usual bounds."""
    with engine.begin() as connection:
        lift_bounds(connection)
        connection.execute(text("SELECT pg_sleep(1.5)"))
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "0"
    with engine.connect() as connection:
        lift_bounds(connection, 1)
        with pytest.raises(OperationalError) as ended:
            connection.execute(text("SELECT pg_sleep(60)"))
    assert isinstance(ended.value.orig, psycopg.errors.QueryCanceled)  # by the server, which still answers
    with engine.begin() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "30s"
    with pytest.raises(OperationalError), engine.begin() as connection:
        connection.execute(text("SELECT pg_sleep(60)"))


def test_no_connection_stays_open_after_an_outage(engine: Engine):
    """An outage in one thread lets the transaction of another one finish, and then closes its connection."""
    engine.dispose()  # of those that the migration left in the pool, two would do as well
    with engine.connect() as other:
        other.execute(text("SELECT 1"))
        connection = other.connection.dbapi_connection
        with pytest.raises(StoreAway):
            Store(engine).transact(missing)
        assert other.execute(text("SELECT 2")).scalar() == 2
    assert isinstance(connection, psycopg.Connection)
    with engine.connect() as first, engine.connect() as second:
        assert connection not in (first.connection.dbapi_connection, second.connection.dbapi_connection)
        assert connection.closed
    engine.dispose()
    assert connection.closed


@pytest.fixture
def lose(engine: Engine, url: str) -> Callable[[int], None]:
    """Ends the backend of the nth connection that is checked out from now on, after its ping."""
    left = [0]

    def end(connection: psycopg.Connection, _record: Any, _proxy: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            with psycopg.connect(url) as other:
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])

    event.listen(engine, "checkout", end)
    return lambda nth: left.__setitem__(0, nth)


def count_messages(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(messages.c.msg_id)).all())


def test_a_server_that_fails_before_begin(engine: Engine, lose: Callable[[int], None]):
    """Only BEGIN fails: a writer gets StoreAway, a reader Unread, and the next statements succeed."""
    lose(1)
    with pytest.raises(OperationalError) as failure, engine.begin() as connection:
        connection.execute(text("SELECT 1"))
    assert failure.value.connection_invalidated
    assert isinstance(failure.value.orig, psycopg.errors.AdminShutdown)
    lose(1)
    with pytest.raises(StoreAway, match="AdminShutdown"):
        Store(engine).write([Message(msg_id="1")])
    Store(engine).write([Message(msg_id="2")])
    lose(1)
    assert not FindingLog(engine).write([Finding("missing", None)])
    assert FindingLog(engine).write([Finding("missing", None)])
    lose(1)
    assert isinstance(answer_of(lambda: count_messages(engine)), Unread)
    assert count_messages(engine) == 1


def test_a_server_that_fails_during_an_inspection(engine: Engine, lose: Callable[[int], None]):
    """Whichever connection is lost, within a transaction or outside, the result is Unread or a write error."""
    results = []
    for nth in range(1, 5):
        lose(nth)
        results.append(answer_of(lambda: inspect(engine)))
    assert [isinstance(result, Unread) or result.write_error == SHUTDOWN for result in results] == [True] * 4
    assert isinstance(answer_of(lambda: inspect(engine)), Database)


def test_streamed_rows(engine: Engine):
    """Rows are fetched by a server-side cursor, and BEGIN, which no cursor accepts, runs without one."""
    Store(engine).write([Message(msg_id=str(number)) for number in range(30)])
    with engine.connect().execution_options(yield_per=7) as connection:
        assert len(list(connection.execute(select(messages.c.msg_id)))) == 30
        assert connection.execute(text("SELECT current_setting('lock_timeout')")).scalar() == "10s"
