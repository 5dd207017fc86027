"""Database: short read-only transactions, in threads, that give up on a database that is away within 3 seconds."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, event, text
from sqlalchemy.exc import SQLAlchemyError

from store.engine import create_store_engine, missing_file
from store.error_reasons import database_reason
from store.read_only import end_after
from store.transactions import Patience

T = TypeVar("T")

CONNECTIONS = 4
LONGEST_S = 3.0
"""A page waits no longer for the database, whatever its state."""
PATIENCE = Patience(statement_s=LONGEST_S, ping_s=2, connect_s=2, transaction_s=LONGEST_S)
_BOUND = text(f"SET LOCAL statement_timeout = {int(LONGEST_S * 1000)}")


class Away(Exception):  # noqa: N818 - the database's, and no fault of the console
    """The database does not answer; the message is its reason, for people, without anything of a query."""


AWAY = "The database cannot be read"


def away_sentence(away: Away) -> str:
    """Why, for people."""
    return f"The database: {away}. The receiver goes on meanwhile; what arrives waits in the ledger."


class Reader:
    """Reads from the database; it cannot write, whatever the rights of its role."""

    def __init__(self, url: str) -> None:
        self._engine = create_store_engine(url, CONNECTIONS, PATIENCE)
        self._threads = ThreadPoolExecutor(CONNECTIONS, "database")
        self.dialect = self._engine.dialect.name
        if self.dialect == "sqlite":
            event.listen(self._engine, "connect", _forbid_writes)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` reads within one read-only transaction. Raises Away."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(LONGEST_S):
                return await loop.run_in_executor(self._threads, self.read_here, work)
        except TimeoutError:
            raise Away("no answer in time") from None

    def read_here(self, work: Callable[[Connection], T]) -> T:
        """The same in the current thread, which waits somewhat longer where a server is silent. Raises Away."""
        try:
            if missing_file(self._engine.url):
                raise Away("there is none yet; `seven-ingest migrate` makes it")
            with self._engine.connect().execution_options(reads=True, snapshot=True) as connection:
                if self.dialect == "sqlite":
                    end_after(cast("sqlite3.Connection", connection.connection.dbapi_connection), LONGEST_S)
                else:
                    connection.execute(_BOUND)
                return work(connection)
        except (SQLAlchemyError, OSError) as error:
            raise Away(database_reason(error)) from error

    def reasons(self) -> list[str]:
        """Why the database does not answer, for the readiness probe; empty when it does."""
        try:
            self.read_here(lambda connection: connection.execute(text("SELECT 1")).scalar())
        except Away as away:
            return [f"the database does not answer: {away}"]
        return []

    def close(self) -> None:
        """Close all connections, once the reads that are under way have ended: within seconds, as each is bounded."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()


def _forbid_writes(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA query_only=ON")
    connection.execute(f"PRAGMA busy_timeout={int(LONGEST_S * 1000)}")
