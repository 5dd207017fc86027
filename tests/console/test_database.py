"""The console's database: it is only read, and one that is away is said so within seconds."""

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from console.database import LONGEST_S, Away, Reader
from tests.console.conftest import Visitor
from tests.servers import Postgres, eventually

BOTH = pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
WRITES = (
    "INSERT INTO {schema}fences (name, generation) VALUES ('x', 1)",
    "DELETE FROM {schema}messages",
    "CREATE TABLE {schema}anything (id text)",
    "DROP TABLE {schema}messages",
)


@BOTH
@pytest.mark.parametrize("statement", WRITES)
def test_it_cannot_write(database_url: str, dialect: str, statement: str):
    """Whatever the rights of its role: the transaction is read-only."""
    reader = Reader(database_url)
    schema = "seven." if dialect == "postgresql" else ""
    with pytest.raises(Away):
        reader.read_here(lambda connection: connection.execute(text(statement.format(schema=schema))))
    reader.close()


@BOTH
def test_a_query_ends_within_three_seconds(database_url: str, dialect: str):
    """The database ends it; the connection is of use again."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    statement = "SELECT pg_sleep(600)" if dialect == "postgresql" else endless
    reader = Reader(database_url)

    def endless_read(connection: Connection) -> object:
        return connection.execute(text(statement)).scalar()

    async def run() -> None:
        with pytest.raises(Away):
            await reader.read(endless_read)

    asyncio.run(run())
    eventually(lambda: reader.reasons() == [])
    reader.close()


@pytest.mark.duration(10)
def test_a_silent_server_is_reported_and_pages_go_on(postgres: Postgres, visitor: Visitor, database_url: str):
    """A frozen server whose kernel still answers: each page says so within bounds, and works once it is back."""
    client = visitor(database_url=postgres.database(like="template1"))
    with postgres.paused():
        for _ in range(2):
            began = time.monotonic()
            answer = client.get("/")
            assert answer.status_code == 200
            assert "The database cannot be read" in answer.text
            assert time.monotonic() - began < 10 * LONGEST_S  # a bound for the slowest machine
    eventually(lambda: "a table, column or index is missing" in client.get("/").text)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("postgresql://seven@127.0.0.1:1/seven", "nothing listens there"),
        ("sqlite:////nowhere/at/all.db", "seven-ingest migrate"),
    ],
)
def test_a_missing_database_is_named(visitor: Visitor, url: str, word: str):
    """The page says why, without anything of the address; no file is made."""
    client = visitor(database_url=url)
    text = client.get("/").text
    assert word in text
    assert "127.0.0.1" not in text
    assert not Path("/nowhere").exists()


def test_an_exhausted_pool_is_an_answer_too(database_url: str):
    """Reads beyond the number of connections wait no longer than any other."""
    reader = Reader(database_url)

    async def run() -> list[BaseException | float]:
        slow = [reader.read(lambda _: time.sleep(LONGEST_S + 1)) for _ in range(4)]
        return await asyncio.gather(*slow, reader.read(lambda _: 0.0), return_exceptions=True)

    *slow, late = asyncio.run(run())
    assert all(isinstance(answer, Away) for answer in [*slow, late])
    reader.close()
