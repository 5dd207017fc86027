"""Guarding: no wait for a PostgreSQL that hangs lasts for ever, and none that is only slow is given up."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, select, text
from sqlalchemy.exc import OperationalError

from cli.checks import Silence, heard
from gateway.findings import Finding, FindingLog
from seven.records import Message
from store.database_info import Database, inspect
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store, StoreAway
from store.schema import messages
from store.timeouts import NoAnswer, Patience, lift_bounds
from tests.servers import PATIENCE_S, Postgres, eventually

IN_TIME_S = PATIENCE_S  # figures of half a second, on machines that are slow at times; without the guard it is for ever


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


def waiting_for_a_lock(watch: Engine) -> bool:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with watch.connect() as connection:
        return connection.execute(text(asked)).scalar() == 1


def test_a_server_that_hangs_in_a_transaction_is_given_up(postgres: Postgres, engine: Engine, url: str):
    """In the midst of a statement all of the server stops: the writer is told within its patience, and nothing is written."""
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
    assert [str(one) for one in failures] == ["NoAnswer"]
    patient.dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM seven.messages")).scalar() == 0


def test_a_kept_connection_to_a_server_that_hangs_is_given_up(postgres: Postgres, engine: Engine):
    """The first question on a connection from the pool is bounded too, and so is the attempt to make a new one."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    with postgres.paused():
        began = time.monotonic()
        with pytest.raises(StoreAway):
            Store(engine).write([Message(msg_id="1")])
        assert time.monotonic() - began < IN_TIME_S
    Store(engine).write([Message(msg_id="1")])


def test_patience_is_with_silence_not_with_slowness(engine: Engine):
    """A server that says something now and then is waited for, a transaction that lasts is not, nor is one statement."""
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


def test_where_bounds_are_lifted_ours_are(engine: Engine):
    """A migration takes as long as it takes, an audit as long as it was given; after it everything is as before."""
    with engine.begin() as connection:
        lift_bounds(connection)
        connection.execute(text("SELECT pg_sleep(1.5)"))
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "0"
    with engine.connect() as connection:
        lift_bounds(connection, 1)
        with pytest.raises(OperationalError) as ended:
            connection.execute(text("SELECT pg_sleep(60)"))
    assert isinstance(ended.value.orig, psycopg.errors.QueryCanceled)  # by the server, which was there to say so
    with engine.begin() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "30s"
    with pytest.raises(OperationalError), engine.begin() as connection:
        connection.execute(text("SELECT pg_sleep(60)"))


def test_no_connection_is_left_open_after_an_outage(engine: Engine):
    """One thread meets an outage while another is in a transaction: that one ends well, and its connection is closed."""
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
    """Has the backend end of the nth connection that is taken from now on, after it has answered that it is alive."""
    left = [0]

    def end(connection: psycopg.Connection, _record: Any, _proxy: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            with psycopg.connect(url) as other:
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])

    event.listen(engine, "checkout", end)
    return lambda nth: left.__setitem__(0, nth)


def kept(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(messages.c.msg_id)).all())


def test_a_server_that_goes_before_begin_is_away(engine: Engine, lose: Callable[[int], None]):
    """Nothing but BEGIN meets it: a writer is to hold, a reader hears of a silence, and what comes next is well."""
    lose(1)
    with pytest.raises(OperationalError) as met, engine.begin() as connection:
        connection.execute(text("SELECT 1"))
    assert met.value.connection_invalidated
    assert isinstance(met.value.orig, psycopg.errors.AdminShutdown)
    lose(1)
    with pytest.raises(StoreAway, match="AdminShutdown"):
        Store(engine).write([Message(msg_id="1")])
    Store(engine).write([Message(msg_id="2")])
    lose(1)
    assert not FindingLog(engine).keep([Finding("missing", None)])
    assert FindingLog(engine).keep([Finding("missing", None)])
    lose(1)
    assert isinstance(heard(lambda: kept(engine)), Silence)
    assert kept(engine) == 1


def test_an_inspection_meets_a_server_that_goes_at_any_moment(engine: Engine, lose: Callable[[int], None]):
    """Whichever of its connections is lost, in a transaction or in none, the database is silent, or has refused."""
    found = []
    for nth in range(1, 5):
        lose(nth)
        found.append(heard(lambda: inspect(engine)))
    assert [isinstance(one, Silence) or one.refusal == "AdminShutdown" for one in found] == [True] * 4
    assert isinstance(heard(lambda: inspect(engine)), Database)


def test_a_stream_of_rows_begins_like_any_transaction(engine: Engine):
    """Rows that are fetched by a cursor on the server are, and BEGIN, which no cursor takes, is not."""
    Store(engine).write([Message(msg_id=str(number)) for number in range(30)])
    with engine.connect().execution_options(yield_per=7) as connection:
        assert len(list(connection.execute(select(messages.c.msg_id)))) == 30
        assert connection.execute(text("SELECT current_setting('lock_timeout')")).scalar() == "10s"
