"""doctor: what it thinks of a database, asked of real ones, well and badly set up."""

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
from store.version import VERSION_TABLE
from store.partitions import partitions
from store.schema import SCHEMA, deliveries
from tests.servers import Postgres, eventually

AFFORDABLE = 10


def examined(engine: Engine, connections: int = AFFORDABLE) -> dict[str, Check]:
    return {one.name: one for one in checks(answer_of(lambda: inspect(engine)), connections)}


def not_good(found: dict[str, Check]) -> dict[str, Grade]:
    return {name: one.grade for name, one in found.items() if one.grade is not Grade.GOOD}


@contextmanager
def opened(url: str, migrated: bool = True) -> Iterator[Engine]:
    engine = create_store_engine(url)
    try:
        if migrated:
            migrate(engine)
        yield engine
    finally:
        engine.dispose()


def of_kind(engine: Engine) -> str:
    return f"{SCHEMA}." if engine.dialect.name == "postgresql" else ""


def test_a_good_one(engine: Engine):
    """Nothing is to be said against it, and the row that was tried is not there."""
    found = examined(engine)
    assert not_good(found) == {}
    assert {"tables", "database writes", "commit"} <= set(found)
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {of_kind(engine)}ledger_marks")).scalar_one() == 0


def test_one_without_tables(empty_database: str):
    """It has to be migrated; whether it takes rows is not known yet."""
    with opened(empty_database, migrated=False) as engine:
        assert not_good(examined(engine)) == {"tables": Grade.WRONG, "database writes": Grade.UNKNOWN}


@pytest.mark.parametrize(
    ("version", "grade"), [pytest.param("0000", Grade.WRONG, id="older"), pytest.param("9999", Grade.WARNING, id="newer")]
)  # fmt: skip
def test_another_version(engine: Engine, version: str, grade: Grade):
    """Older tables are wrong; newer ones work, and are warned of."""
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {of_kind(engine)}{VERSION_TABLE} SET version_num = '{version}'"))
    assert not_good(examined(engine)) == {"tables": grade}


def test_one_that_takes_no_writes(postgres: Postgres):
    """Read-only: it answers everything, and keeps nothing."""
    url = postgres.database()
    with opened(url):
        pass
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET default_transaction_read_only = on")
    with opened(url, migrated=False) as engine:
        found = examined(engine)
    assert not_good(found) == {"database writes": Grade.WRONG}


def test_a_lazy_default_is_none_of_ours(postgres: Postgres):
    """Our transactions ask for a commit on disk, and for bounds, whatever the default; not to get them is wrong."""
    url = postgres.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = off")
    with opened(url) as engine:
        found = examined(engine)
    assert (found["commit"].grade, "the default is off" in found["commit"].finding) == (Grade.GOOD, True), found[
        "commit"
    ]
    bare = create_engine(database_url(url), execution_options={"schema_translate_map": {}})
    assert not_good(examined(bare)) == {"commit": Grade.WRONG, "transactions": Grade.WRONG}
    bare.dispose()


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_keep_what_it_says(postgres: Postgres, name: str):
    """A power loss would ruin it."""
    with (
        psycopg.connect(postgres.url("postgres"), autocommit=True) as connection,
        opened(postgres.database()) as engine,
    ):

        def turn(word: str) -> None:
            connection.execute(f"ALTER SYSTEM SET {name} = {word}")
            connection.execute("SELECT pg_reload_conf()")

        turn("off")
        try:
            eventually(lambda: not_good(examined(engine)).get("PostgreSQL disk") is Grade.WRONG)
        finally:
            turn("on")


@pytest.mark.parametrize(
    ("encoding", "grade"),
    [pytest.param("SQL_ASCII", Grade.WARNING, id="none"), pytest.param("LATIN1", Grade.WRONG, id="a narrow one")],
)
def test_encodings(postgres: Postgres, encoding: str, grade: Grade):
    """What people write is UTF-8."""
    name = f"of_{encoding.lower()}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C'"
        )
    with opened(postgres.url(name)) as engine:
        assert not_good(examined(engine)) == {"encoding": grade}


def test_weeks_for_which_nobody_has_provided(postgres: Postgres):
    """Beat has stood still for a month: it works, and is warned of."""
    with opened(postgres.database()) as engine:
        with engine.begin() as connection:
            for part in partitions(connection, deliveries)[1:]:
                connection.execute(text(f"DROP TABLE {SCHEMA}.{part.name}"))
        assert not_good(examined(engine)) == {"partitions": Grade.WARNING}


def test_more_connections_than_there_are(postgres: Postgres):
    """The test's server takes 60, of which three are kept for its superuser."""
    with opened(postgres.database()) as engine:
        assert not_good(examined(engine, 50)) == {"connections": Grade.WARNING}
        assert not_good(examined(engine, 58)) == {"connections": Grade.WRONG}


@pytest.mark.parametrize(
    ("pragma", "name"),
    [
        pytest.param("synchronous=NORMAL", "commit", id="not synchronous"),
        pytest.param("journal_mode=DELETE", "journal", id="no WAL"),
    ],
)
def test_a_file_that_is_not_as_we_ask_for(tmp_path: Path, pragma: str, name: str):
    """Each is found by itself."""
    with opened(f"sqlite:///{tmp_path / 'seven.db'}") as engine:
        listener: Callable[..., object] = lambda connection, _: connection.execute(f"PRAGMA {pragma}")  # noqa: E731
        engine.dispose()
        event.listen(engine, "connect", listener)
        assert not_good(examined(engine)) == {name: Grade.WRONG}


@pytest.mark.parametrize("url", ["postgresql://u:hidden-word@127.0.0.1:1/x", "sqlite:////nowhere/seven.db"])
def test_one_that_is_away(url: str):
    """That is not known to be wrong: it could not be asked. No password is repeated."""
    with opened(url, migrated=False) as engine:
        found = list(checks(answer_of(lambda: inspect(engine)), AFFORDABLE))
        with pytest.raises(SQLAlchemyError):
            inspect(engine)
    assert [one.grade for one in found] == [Grade.UNKNOWN]
    assert "hidden-word" not in repr(found)


def test_the_clock_of_this_machine(engine: Engine):
    """A database on this machine agrees with it."""
    with engine.connect() as connection:
        found = list(clock_checks({"it": answer_of(lambda: skew(lambda: clock(connection)))}))
    assert [one.grade for one in found] == [Grade.GOOD]


@pytest.mark.parametrize(
    ("found", "grade"),
    [
        pytest.param(Skew(0.5, 0.1), Grade.GOOD, id="agrees"),
        pytest.param(Skew(-5, 0.1), Grade.WARNING, id="behind"),
        pytest.param(Skew(5, 4), Grade.GOOD, id="perhaps"),
        pytest.param(Skew(2 * APART_S, 1), Grade.WRONG, id="far ahead"),
    ],
)
def test_clocks(found: Skew, grade: Grade):
    """Apart counts as far as it is certain: a slow answer is no skew."""
    assert [one.grade for one in clock_checks({"it": found})] == [grade]
