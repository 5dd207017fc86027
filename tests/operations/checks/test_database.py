"""Checks of the database, on real servers and files, well and badly configured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from operations.checks.check import Check, Grade, answer_of
from operations.checks.clocks import APART_S, Skew, skew
from operations.checks.clocks import checks as clock_checks
from operations.checks.database import checks
from store.database_info import clock, inspect
from store.engine import create_store_engine, database_url
from store.migrate import migrate
from store.partitions import partitions
from store.schema import SCHEMA, deliveries
from store.version import VERSION_TABLE
from tests.servers import Postgres, eventually

CONNECTIONS = 10


def examined(engine: Engine, connections: int = CONNECTIONS) -> dict[str, Check]:
    return {check.name: check for check in checks(answer_of(lambda: inspect(engine)), connections)}


def not_good(results: dict[str, Check]) -> dict[str, Grade]:
    return {name: check.grade for name, check in results.items() if check.grade is not Grade.GOOD}


@contextmanager
def open_engine(url: str, migrated: bool = True) -> Iterator[Engine]:
    engine = create_store_engine(url)
    try:
        if migrated:
            migrate(engine)
        yield engine
    finally:
        engine.dispose()


def schema_prefix(engine: Engine) -> str:
    return f"{SCHEMA}." if engine.dialect.name == "postgresql" else ""


def test_a_good_database(engine: Engine):
    """Every check is good, and the row that a check tried to write is not there."""
    results = examined(engine)
    assert not_good(results) == {}
    assert {"tables", "database writes", "commit"} <= set(results)
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {schema_prefix(engine)}ledger_marks")).scalar_one() == 0


def test_a_database_without_tables(empty_database: str):
    """It needs a migration; whether it takes rows is unknown until then."""
    with open_engine(empty_database, migrated=False) as engine:
        assert not_good(examined(engine)) == {"tables": Grade.WRONG, "database writes": Grade.UNKNOWN}


@pytest.mark.parametrize(
    ("version", "grade"), [pytest.param("0000", Grade.WRONG, id="older"), pytest.param("9999", Grade.WARNING, id="newer")]
)  # fmt: skip
def test_tables_of_another_version(engine: Engine, version: str, grade: Grade):
    """Older tables are wrong; newer ones work, and get a warning."""
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema_prefix(engine)}{VERSION_TABLE} SET version_num = '{version}'"))
    assert not_good(examined(engine)) == {"tables": grade}


def test_a_read_only_database(postgres: Postgres):
    """It answers every query and stores nothing, so only its writes are wrong."""
    url = postgres.database()
    with open_engine(url):
        pass
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET default_transaction_read_only = on")
    with open_engine(url, migrated=False) as engine:
        results = examined(engine)
    assert not_good(results) == {"database writes": Grade.WRONG}


def test_asynchronous_commit_as_the_default(postgres: Postgres):
    """Our transactions set a synchronous commit and timeouts, whatever the default; without them both are wrong."""
    url = postgres.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = off")
    with open_engine(url) as engine:
        commit = examined(engine)["commit"]
    assert (commit.grade, "the default is off" in commit.finding) == (Grade.GOOD, True), commit
    bare = create_engine(database_url(url), execution_options={"schema_translate_map": {}})
    assert not_good(examined(bare)) == {"commit": Grade.WRONG, "transactions": Grade.WRONG}
    bare.dispose()


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_survive_a_power_loss(postgres: Postgres, name: str):
    """Either setting off is wrong: a power loss may ruin the database."""
    with (
        psycopg.connect(postgres.url("postgres"), autocommit=True) as connection,
        open_engine(postgres.database()) as engine,
    ):

        def turn(state: str) -> None:
            connection.execute(f"ALTER SYSTEM SET {name} = {state}")
            connection.execute("SELECT pg_reload_conf()")

        turn("off")
        try:
            eventually(lambda: not_good(examined(engine)).get("PostgreSQL disk") is Grade.WRONG)
        finally:
            turn("on")


@pytest.mark.parametrize(
    ("encoding", "grade"),
    [pytest.param("SQL_ASCII", Grade.WARNING, id="unchecked"), pytest.param("LATIN1", Grade.WRONG, id="narrow")],
)
def test_encodings(postgres: Postgres, encoding: str, grade: Grade):
    """People write UTF-8: a database that checks no text gets a warning, one that refuses some is wrong."""
    name = f"of_{encoding.lower()}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C'"
        )
    with open_engine(postgres.url(name)) as engine:
        assert not_good(examined(engine)) == {"encoding": grade}


def test_missing_partitions(postgres: Postgres):
    """After a month without beat, or with a hole, the database still works, and gets a warning."""
    with open_engine(postgres.database()) as engine:
        with engine.begin() as connection:
            hole = partitions(connection, deliveries)[2]
            connection.execute(text(f"DROP TABLE {SCHEMA}.{hole.name}"))
        assert not_good(examined(engine)) == {"partitions": Grade.WARNING}
        migrate(engine)
        assert not_good(examined(engine)) == {}
        with engine.begin() as connection:
            for partition in partitions(connection, deliveries)[1:]:
                connection.execute(text(f"DROP TABLE {SCHEMA}.{partition.name}"))
        assert not_good(examined(engine)) == {"partitions": Grade.WARNING}


def test_more_connections_than_there_are(postgres: Postgres):
    """The server of these tests takes 60 connections, three of them reserved for its superuser."""
    with open_engine(postgres.database()) as engine:
        assert not_good(examined(engine, 50)) == {"connections": Grade.WARNING}
        assert not_good(examined(engine, 58)) == {"connections": Grade.WRONG}


def test_a_limit_of_the_database_or_the_role(postgres: Postgres):
    """Managed servers set one; a superuser's role has none."""
    with open_engine(postgres.database()) as engine:
        url = engine.url
        with engine.begin() as connection:
            connection.execute(text(f'ALTER DATABASE "{url.database}" CONNECTION LIMIT 20'))
            connection.execute(text(f"CREATE ROLE few LOGIN CONNECTION LIMIT 10 IN ROLE {url.username}"))
        try:
            assert not_good(examined(engine, 20)) == {}
            assert not_good(examined(engine, 21)) == {"connections": Grade.WRONG}
            with open_engine(url.set(username="few").render_as_string(hide_password=False), migrated=False) as of_few:
                assert not_good(examined(of_few, 10)) == {}
                assert not_good(examined(of_few, 11)) == {"connections": Grade.WRONG}
        finally:
            with engine.begin() as connection:
                connection.execute(text("DROP ROLE few"))


@pytest.mark.parametrize(
    ("pragma", "name"),
    [
        pytest.param("synchronous=NORMAL", "commit", id="no fsync at each commit"),
        pytest.param("journal_mode=DELETE", "journal", id="no WAL"),
    ],
)
def test_weak_pragmas(tmp_path: Path, pragma: str, name: str):
    """A weaker pragma is wrong, and nothing else is."""
    with open_engine(f"sqlite:///{tmp_path / 'seven.db'}") as engine:
        listener: Callable[..., object] = lambda connection, _: connection.execute(f"PRAGMA {pragma}")  # noqa: E731
        engine.dispose()
        event.listen(engine, "connect", listener)
        assert not_good(examined(engine)) == {name: Grade.WRONG}


@pytest.mark.parametrize("url", ["postgresql://u:hidden-word@127.0.0.1:1/x", "sqlite:////nowhere/seven.db"])
def test_an_unreachable_database(url: str):
    """It is unknown rather than wrong, and no finding repeats a password."""
    with open_engine(url, migrated=False) as engine:
        results = list(checks(answer_of(lambda: inspect(engine)), CONNECTIONS))
        with pytest.raises(SQLAlchemyError):
            inspect(engine)
    assert [check.grade for check in results] == [Grade.UNKNOWN]
    assert "hidden-word" not in repr(results)


def test_the_clock_of_this_machine(engine: Engine):
    """A database on this machine agrees with its clock."""
    with engine.connect() as connection:
        results = list(clock_checks({"it": answer_of(lambda: skew(lambda: clock(connection)))}))
    assert [check.grade for check in results] == [Grade.GOOD]


@pytest.mark.parametrize(
    ("reading", "grade"),
    [
        pytest.param(Skew(0.5, 0.1), Grade.GOOD, id="agrees"),
        pytest.param(Skew(-5, 0.1), Grade.WARNING, id="behind"),
        pytest.param(Skew(5, 4), Grade.GOOD, id="perhaps"),
        pytest.param(Skew(2 * APART_S, 1), Grade.WRONG, id="far ahead"),
    ],
)
def test_clocks(reading: Skew, grade: Grade):
    """Only the certain part of a skew counts: a slow answer is none."""
    assert [check.grade for check in clock_checks({"it": reading})] == [grade]
